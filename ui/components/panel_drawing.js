// What the live panels draw with. Text from outside is only ever set as textContent.

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
  set(node, { x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor, class: name }).textContent = text
}

function gridLine(node, [x1, y1, x2, y2]) {
  set(node, { x1, y1, x2, y2 })
}

function scale(low, high, from, to) {
  const map = (value) => from + ((value - low) / (high - low || 1)) * (to - from)
  map.invert = (pixel) => low + ((pixel - from) / (to - from || 1)) * (high - low)
  return Object.assign(map, { low, high, from, to })
}

/** Round numbers from low to high, about as many as asked for. */
function niceTicks(low, high, about) {
  const rough = (high - low) / Math.max(about, 1)
  if (!(rough > 0)) return [low]
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find((m) => m * power >= rough * 0.999) ?? 10)
  const first = Math.ceil(low / step - 1e-9)
  const number = Math.floor(high / step + 1e-9) - first + 1
  return Array.from({ length: number }, (_, i) => (first + i) * step)
}

const minus = (text) => text.replace(/-/g, "\u2212")
