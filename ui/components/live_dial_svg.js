// Drawing. Text from outside is only ever set as textContent.

function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value)
  return node
}

/** As many children of that kind as there are items, each updated; no child is made twice. */
function each(parent, tag, items, update) {
  while (parent.childElementCount > items.length) parent.lastElementChild.remove()
  while (parent.childElementCount < items.length) {
    const inSvg = parent instanceof SVGElement
    parent.append(
      inSvg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag),
    )
  }
  items.forEach((item, i) => update(parent.children[i], item, i))
}

function drawText(node, { x, y, text, anchor = "middle", name = "" }) {
  set(node, { x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor, class: name })
  node.textContent = text
}

function gridLine(node, [x1, y1, x2, y2]) {
  set(node, { x1, y1, x2, y2 })
}

/** A path that is a dot at each place, drawn by its round line ends. */
const dots = (places) => places.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join("")
const polyline = (places) =>
  places.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("")

const square = ([x, y], r) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`
const diamond = ([x, y], r) => `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`
const cross = ([x, y], r) => `M${x - r} ${y - r}l${2 * r} ${2 * r}M${x + r} ${y - r}l${-2 * r} ${2 * r}`
const plus = ([x, y], r) => `M${x - r} ${y}h${2 * r}M${x} ${y - r}v${2 * r}`
const ring = ([x, y], r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`
const SIGNS = ["+", "\u25cb"] // what `plus` and `ring` look like in text

/** Text only touches the page where it changed. */
function say(node, text) {
  if (node.textContent !== text) node.textContent = text
}
