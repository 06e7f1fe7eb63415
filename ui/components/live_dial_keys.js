// Keys: those of the panel, and those pressed where nothing else on the page is in use.

const TYPED = 700 // milliseconds within which a second digit belongs to the first, as in 16

/** Whether the panel may take a key; whatever else on the page has the focus keeps its own. */
Panel.prototype.takes = function (event) {
  if (event.defaultPrevented || !this.data || this.root.clientWidth === 0) return null
  const path = event.composedPath()
  const within = path.includes(this.root)
  const around = document.activeElement ?? document.body // a click on nothing gives it to a section
  if (!within && !around.contains(this.root.getRootNode().host ?? this.root)) return null
  return { within, typing: path[0] === this.parts.input, button: path[0].tagName === "BUTTON" }
}

Panel.prototype.pressed = function (event) {
  const place = this.takes(event)
  this.parts.thumb.classList.remove("clicked")
  if (!place || event.altKey) return
  const done = event.ctrlKey || event.metaKey
    ? !place.typing && this.chord(event)
    : this.moved(event, place) || (!place.typing && this.lettered(event, place)) || this.closed(event)
  if (done) event.preventDefault()
}

Panel.prototype.chord = function (event) {
  const key = event.key.toLowerCase()
  if (key === "z") this.act(event.shiftKey ? "redo" : "undo")
  else if (key === "y") this.act("redo")
  else return false
  return true
}

/** Arrows move the dial a step, page keys ten; up and down only within the panel, which else scrolls. */
Panel.prototype.moved = function ({ key }, { within, typing }) {
  const { unit } = this.data
  const sideways = { ArrowLeft: -1, ArrowRight: 1 }[key]
  const upwards = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[key]
  const ends = { Home: unit.low, End: unit.high }[key]
  const steps = (typing ? undefined : sideways) ?? (within ? upwards : undefined)
  if (steps !== undefined) this.moveTo(this.value + steps * unit.step, "keys")
  else if (ends !== undefined && within && !typing) this.moveTo(ends, "keys")
  else return false
  return true
}

Panel.prototype.lettered = function ({ key, shiftKey, repeat }, { button }) {
  if (key === "[" || key === "]") this.turnTo(this.focus + (key === "[" ? -1 : 1), REST)
  else if (/^[0-9]$/.test(key)) this.typeBits(key)
  else if (key === "Backspace" || key === "Delete") this.pin(this.focus, null)
  else if (key === "?") this.toggleHelp()
  else if (key === "Enter" && !button && this.parts.bars.root === this.root.getRootNode().activeElement) this.offer(this.focus)
  else if (repeat) return false
  else if (key.toLowerCase() === "u") this.act(shiftKey ? "redo" : "undo")
  else if (key.toLowerCase() === "k") this.act("keep")
  else return false
  return true
}

Panel.prototype.closed = function ({ key }) {
  if (key !== "Escape") return false
  this.parts.input.dataset.edited && delete this.parts.input.dataset.edited
  this.schedule()
  return this.closeHelp() || this.closePopover()
}

/** Digits pin the layer in focus; where one begins a longer width, a moment is left for the rest. */
Panel.prototype.typeBits = function (digit) {
  const open = widthsOf(this.data.layers, this.focus).map(String)
  const longer = (text) => open.some((width) => width !== text && width.startsWith(text))
  clearTimeout(this.typing)
  const joined = (this.typed ?? "") + digit
  this.typed = open.includes(joined) || longer(joined) ? joined : digit
  const choose = () => {
    const chosen = this.typed
    this.typed = ""
    if (open.includes(chosen)) this.pin(this.focus, Number(chosen))
  }
  if (longer(this.typed)) this.typing = setTimeout(choose, TYPED)
  else choose()
}

Panel.prototype.toggleHelp = function () {
  if (this.closeHelp()) return
  this.parts.help.hidden = false
  this.parts.help.focus({ preventScroll: true })
}

Panel.prototype.closeHelp = function () {
  if (this.parts.help.hidden) return false
  this.parts.help.hidden = true
  this.parts.thumb.focus({ preventScroll: true })
  return true
}
