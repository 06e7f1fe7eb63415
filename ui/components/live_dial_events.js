// Pointers: everything that the visitor does ends in a choice and, let go, in an event.

Panel.prototype.listen = function () {
  const { parts } = this
  this.listenToTrack()
  this.listenToNumber()
  this.listenToPopover()
  this.listenToTiles()
  parts.tools.onclick = ({ target }) => {
    const kind = target.closest("button")?.dataset.do
    if (kind === "help") this.toggleHelp()
    else if (kind) this.act(kind)
  }
  parts.layer.onclick = ({ target }) => {
    const button = target.closest("button")
    if (button?.dataset.step) this.turnTo(this.focus + Number(button.dataset.step), REST)
    else if (button) this.offer(this.focus)
  }
  parts.bars.root.onclick = (event) => {
    const layer = this.layout ? barAt(this.layout.bars, ...inside(event, parts.bars.root)) : -1
    if (layer >= 0) this.offer(layer)
  }
  parts.bars.root.onpointermove = (event) => this.hoverBars(event)
  parts.curve.root.onpointermove = (event) => this.hoverCurve(event)
  parts.bars.root.onpointerleave = parts.curve.root.onpointerleave = () => this.leave()
  parts.curve.root.onclick = (event) => this.goTo(event)
  const outside = (event) => this.outside(event)
  const pressed = (event) => this.pressed(event)
  document.addEventListener("pointerdown", outside)
  document.addEventListener("keydown", pressed)
  this.unlisten = () => {
    document.removeEventListener("pointerdown", outside)
    document.removeEventListener("keydown", pressed)
  }
}

/** Focus a layer and offer its bits. */
Panel.prototype.offer = function (layer) {
  this.leave()
  if (this.popover === layer) return this.closePopover()
  this.popover = null
  this.turnTo(layer)
  this.tellFocus()
  this.openPopover(this.focus)
}

Panel.prototype.outside = function (event) {
  const path = event.composedPath()
  if (!path.includes(this.parts.popover) && !path.includes(this.parts.bars.root) && !path.includes(this.parts.layer)) {
    this.closePopover()
  }
  if (!path.includes(this.parts.help) && !path.includes(this.parts.tools)) this.parts.help.hidden = true
}

/** To the point under the pointer, or to the cost where it is. */
Panel.prototype.goTo = function (event) {
  if (!this.layout) return
  const { unit } = this.data
  const { x } = this.layout.curve
  const hit = this.nearest(event, 12)
  const [px] = inside(event, this.parts.curve.root)
  if (px < x.from - 8) return
  this.moveTo(hit ? snap(unit, hit.cost / unit.per_unit, Math.ceil) : x.invert(px), "pointer")
  this.release()
}

Panel.prototype.listenToTrack = function () {
  const { track, thumb, chips } = this.parts
  let offset = 0
  const pixel = (event) => inside(event, track)[0]
  track.onpointerdown = (event) => {
    if (event.button !== 0 || chips.contains(event.target) || !this.layout) return
    const { x } = this.layout.track
    track.setPointerCapture(event.pointerId)
    const grip = event.target === thumb
    offset = grip ? pixel(event) - x(this.value) : 0
    this.leave()
    this.held = "pointer"
    thumb.classList.add("clicked")
    if (!grip) this.moveTo(x.invert(pixel(event)), "pointer")
    this.schedule()
    thumb.focus({ preventScroll: true })
    event.preventDefault()
  }
  track.onpointermove = (event) => {
    if (!track.hasPointerCapture(event.pointerId) || !this.layout) return
    this.moveTo(this.layout.track.x.invert(pixel(event) - offset), "pointer")
  }
  track.onlostpointercapture = () => this.held === "pointer" && this.release()
  chips.onclick = ({ target }) => {
    if (target.dataset.value === undefined) return
    this.moveTo(Number(target.dataset.value), "pointer")
    this.release()
  }
}

Panel.prototype.listenToNumber = function () {
  const { input } = this.parts
  input.oninput = () => (input.dataset.edited = "yes")
  input.onfocus = () => input.select()
  input.onchange = () => {
    const typed = Number(input.value.replace(/[\s,_]/g, "").replace("\u2212", "-"))
    delete input.dataset.edited
    if (input.value.trim() !== "" && Number.isFinite(typed)) this.moveTo(typed, "keys")
    this.release()
  }
  input.onblur = () => {
    delete input.dataset.edited
    this.schedule()
  }
}

export default mounted(".ld", (root) => new Panel(root))
