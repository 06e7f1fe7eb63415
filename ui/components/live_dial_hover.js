// Tips of bars and of points.

const NEAR = 24
const TOLD = 4000 // milliseconds that words beside a button stay

Panel.prototype.hoverBars = function (event) {
  if (!this.layout || this.held === "pointer") return
  const layout = this.layout.bars
  const i = barAt(layout, ...inside(event, this.parts.bars.root))
  const { label, share } = this.data.layers
  this.parts.bars.root.classList.toggle("over", i >= 0 && label[i] !== undefined)
  if (i < 0 || label[i] === undefined) return this.leave()
  const point = this.shownPoint()
  const bits = this.shownBits()[i]
  const loss = lossAt(this.data.layers, i, bits)
  set(this.parts.bars.hovered, {
    x: layout.from + i * layout.slot, width: layout.slot, y: layout.y.to, height: layout.y.from - layout.y.to, opacity: 1,
  })
  const input = point?.inputs ? `, input ${point.inputs[i]}` : ""
  this.showTip(event, [
    label[i],
    bits === undefined ? "" : bitsText(bits) + input + (this.pins[i] === null ? "" : ", pinned"),
    `${shareText(share[i] ?? 0)} of weights`,
    loss === null ? "" : `\u0394L alone ${lossText(loss)}`,
  ])
}

Panel.prototype.nearest = function (event, most) {
  const [px, py] = inside(event, this.parts.curve.root)
  let best = null
  let least = most
  for (const hit of this.layout?.curve.hits ?? []) {
    const far = Math.hypot(hit.place[0] - px, hit.place[1] - py)
    if (far < most && far - (hit.before ?? 0) < least) [best, least] = [hit, far - (hit.before ?? 0)]
  }
  return best
}

Panel.prototype.hoverCurve = function (event) {
  if (!this.layout || this.held === "pointer") return
  const hit = this.nearest(event, NEAR)
  if (!hit) return this.leave()
  set(this.parts.curve.near, { cx: hit.place[0], cy: hit.place[1], opacity: 1 })
  this.showTip(event, hit.words())
}

/** Headline figures say what they count, below them, to the pointer and to the focus of the keys. */
Panel.prototype.listenToTiles = function () {
  const { tiles } = this.parts
  const explain = ({ target }) => {
    const node = target.closest(".tiles > div")
    if (!node || this.held === "pointer") return
    const { label, help } = this.data.tiles[Array.from(tiles.children).indexOf(node)]
    this.showTip(under(node), [label, help], "wide")
  }
  tiles.onpointerover = explain
  tiles.onpointerleave = () => this.leave()
  tiles.addEventListener("focusin", (event) => event.target.matches(":focus-visible") && explain(event))
  tiles.addEventListener("focusout", () => this.leave())
}

/** Words beside a button that does nothing now; they go by themselves. */
Panel.prototype.tellBeside = function (node, words) {
  clearTimeout(this.telling)
  this.showTip(under(node), [words])
  this.telling = setTimeout(() => this.leave(), TOLD)
}

/** The place below a node, as a pointer's. */
function under(node) {
  const { left, bottom } = node.getBoundingClientRect()
  return { clientX: left - 10, clientY: bottom + 8, below: true }
}

Panel.prototype.showTip = function (event, lines, name = "") {
  const { tip } = this.parts
  const [px, py] = inside(event, this.root)
  clearTimeout(this.telling)
  tip.className = `tip ${name}`
  each(tip, "div", lines.filter(Boolean), say)
  tip.hidden = false
  const leftward = px + tip.offsetWidth + 20 > this.root.clientWidth
  const left = leftward ? Math.max(px - tip.offsetWidth - 12, 4) : px + 14
  const top = event.below ? py : Math.max(py - tip.offsetHeight - 8, 4)
  tip.style.transform = `translate(${left}px, ${top}px)`
}

Panel.prototype.leave = function () {
  this.parts.tip.hidden = true
  set(this.parts.bars.hovered, { opacity: 0 })
  set(this.parts.curve.near, { opacity: 0 })
}

function inside(event, node) {
  const box = node.getBoundingClientRect()
  return [event.clientX - box.left, event.clientY - box.top]
}
