// Pointers and keys: everything that the visitor does ends in a choice and, let go, in a release.

Panel.prototype.listen = function () {
  const { parts } = this
  this.listenToBits(parts.slider)
  parts.handles.forEach((handle) => this.listenToHandle(handle))
  parts.reset.onclick = () => {
    this.hand = null
    this.schedule()
    this.release()
  }
  parts.labels.onclick = ({ target }) => {
    const line = this.data.lines[target.dataset?.line]
    if (!line) return
    this.chooseThreshold(line.thresholds[this.bits])
    this.release()
  }
  parts.side.svg.onclick = (event) => {
    const { left, right } = this.sideBox
    const share = (event.offsetX - left) / (right - left)
    const widths = this.data.widths
    if (share < 0 || share >= 1) return
    this.chooseBits(widths[Math.floor(share * widths.length)])
    this.release()
  }
  parts.main.root.onpointermove = (event) => this.hover(event)
  parts.main.root.onpointerleave = () => this.leave()
}

/** Live while it moves; a release when pointer or key is let go. */
Panel.prototype.listenToBits = function (slider) {
  const hold = () => (this.held = slider)
  const letGo = () => this.letGo(slider)
  slider.oninput = () => this.chooseBits(this.data.widths[Number(slider.value)])
  slider.onkeydown = slider.onpointerdown = hold
  slider.onkeyup = slider.onpointerup = slider.onpointercancel = slider.onblur = letGo
  slider.onchange = () => this.held || this.release() // moved by neither pointer nor key
}

Panel.prototype.listenToHandle = function (handle) {
  let offset = 0
  const pixel = (event) => event.clientX - this.parts.main.root.getBoundingClientRect().left
  const letGo = () => {
    handle.classList.remove("held")
    this.letGo(handle)
  }
  handle.onpointerdown = (event) => {
    if (event.button !== 0) return
    handle.setPointerCapture(event.pointerId)
    offset = pixel(event) - this.layout.x(this.threshold() * Number(handle.dataset.side))
    this.held = handle
    handle.classList.add("held")
    this.leave()
  }
  handle.onpointermove = (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return
    event.stopPropagation()
    const value = this.layout.x.invert(pixel(event) - offset) * Number(handle.dataset.side)
    this.chooseThreshold(Math.max(value, 0))
  }
  handle.onpointerup = handle.onpointercancel = handle.onlostpointercapture = letGo
  handle.onkeydown = (event) => this.pressed(event, handle)
  handle.onkeyup = handle.onblur = letGo
}

/** Arrows move the threshold by 1 %, page keys by 10 %; to the right is more, on either side. */
Panel.prototype.pressed = function (event, handle) {
  const factor = STEP[event.key]
  const ends = { Home: 0, End: this.layout.reach }
  if (factor === undefined && ends[event.key] === undefined) return
  event.preventDefault()
  const sideways = event.key === "ArrowLeft" || event.key === "ArrowRight"
  const outward = sideways && handle.dataset.side === "-1" ? 1 / factor : factor
  this.held = handle
  this.chooseThreshold(factor ? this.threshold() * outward : ends[event.key])
}

Panel.prototype.hover = function (event) {
  if (!this.layout || this.held) return
  const box = this.parts.main.root.getBoundingClientRect()
  const [px, py] = [event.clientX - box.left, event.clientY - box.top]
  const { x, columns, top, bottom, width } = this.layout
  const value = x.invert(px)
  const inside = px >= x.from && px <= x.to && py >= top - 10 && py <= bottom
  const column = inside && columns.find((c) => c.left <= value && value < c.right)
  if (!column) return this.leave()
  const [left, right] = [Math.max(x(column.left), x.from), Math.min(x(column.right), x.to)]
  set(this.parts.main.hovered, { x: left, width: Math.max(right - left, 1), y: top, height: bottom - top, opacity: 1 })
  const { tip } = this.parts
  const noun = column.count === 1 ? "value" : "values"
  each(tip, "div", [
    `${readable(column.left)} to ${readable(column.right)}`,
    `${column.count.toLocaleString("en-US")} ${noun}`,
  ], (node, text) => (node.textContent = text))
  tip.hidden = false
  const leftward = px + tip.offsetWidth + 20 > width
  tip.style.transform = `translate(${leftward ? px - tip.offsetWidth - 12 : px + 14}px, ${Math.max(py - 44, 4)}px)`
}

Panel.prototype.leave = function () {
  this.parts.tip.hidden = true
  set(this.parts.main.hovered, { opacity: 0 })
}

export default mounted(".lh", (root) => new Panel(root))
