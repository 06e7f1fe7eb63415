// Bits of each layer. While the dial is dragged, only bars that change are touched.

const BAR_MARGIN = { left: 30, right: 4, top: 26, bottom: 18 }
const NUMBERED = 16 // pixels that a number needs

function barsLayout({ data, path, confirmed }, width, height) {
  const n = Math.max(data.layers.label.length, 1)
  const ends = [confirmed, path.length ? path.at(path.length - 1) : null]
  const seen = ends.flatMap((point) => (point ? point.bits : []))
  const most = Math.max(2, ...data.layers.widths, ...seen)
  const top = most > BREAK ? Math.max(most, 16) : most
  const from = BAR_MARGIN.left
  const slot = (width - BAR_MARGIN.right - from) / n
  const bar = slot - (slot > 8 ? Math.min(0.16 * slot, 6) : slot > 3 ? 1 : 0)
  const y = scale(0, folded(top), height - BAR_MARGIN.bottom, BAR_MARGIN.top)
  // One layer must not fill the plot.
  const wide = Math.min(bar, 90)
  const x = (i) => from + i * slot + (slot - wide) / 2
  return { n, from, to: width - BAR_MARGIN.right, slot, bar: wide, top, x, y, width, drawn: [], breaks: null }
}

function barTicks(top) {
  if (top <= 4) return [0, 1, 2, 3, 4].filter((bits) => bits <= top)
  return [0, 2, 4, 6, 8, 16, 32].filter((bits) => bits <= top)
}

function drawBarFrame({ parts }, { from, to, top, y }) {
  const ticks = barTicks(top)
  const { grid, axes } = parts.bars
  each(grid, "line", ticks, (node, bits) => gridLine(node, [from, y(folded(bits)), to, y(folded(bits))]))
  each(axes, "text", [
    ...ticks.map((bits) => ({ x: from - 7, y: y(folded(bits)) + 4, text: `${bits}`, anchor: "end" })),
    { x: 0, y: 12, text: "Bits of each layer, in running order", anchor: "start", name: "title" },
  ], drawText)
}

/** Where a bar stands; a pruned layer is a sliver, and one that is not known nothing. */
function barBox({ x, y, bar, top }, i, bits) {
  const height = bits === null ? 0 : Math.max(y.from - y(folded(Math.min(bits, top))), 2)
  return { x: x(i), y: y.from - height, width: bar, height }
}

function drawBars(panel, layout, bits) {
  const { parts, colors } = panel
  const { rects, numbers } = parts.bars
  const numbered = layout.bar >= NUMBERED
  if (layout.drawn.length === 0) {
    const blank = Array.from({ length: layout.n }, () => null)
    each(rects, "rect", blank, () => {})
    each(numbers, "text", numbered ? blank : [], () => {})
  }
  let changed = false
  for (let i = 0; i < layout.n; i++) {
    const value = bits[i] ?? null
    if (layout.drawn[i] === value) continue
    layout.drawn[i] = value
    changed = true
    const box = barBox(layout, i, value)
    const [color, ink] = bitColors(colors, value ?? 0)
    set(rects.children[i], { ...box, fill: color, rx: layout.bar > 8 ? 2 : 0 })
    rects.children[i].classList.toggle("crisp", layout.slot <= 3) // no seams between neighbours
    if (numbered) drawNumber(numbers.children[i], box, value, ink)
  }
  if (changed) drawBreaks(parts.bars.breaks, layout)
  drawFocus(panel, layout, bits)
}

function drawNumber(node, { x, y, width, height }, bits, ink) {
  const inside = height > 20
  const text = bits === null ? "" : Number.isInteger(bits) ? `${bits}` : bits.toFixed(width >= 26 ? 1 : 0)
  set(node, { x: (x + width / 2).toFixed(1), y: (inside ? y + 15 : y - 5).toFixed(1) })
  node.style.fill = inside ? ink : ""
  say(node, text)
}

/** A cut through bars that are taller than drawn. */
function drawBreaks(node, { drawn, x, y, bar }) {
  const level = y(BREAK + 0.55)
  const cuts = drawn.map((bits, i) =>
    bits > BREAK + 1 && bar > 3
      ? `M${(x(i) - 1).toFixed(1)} ${(level + 2.5).toFixed(1)}L${(x(i) + bar + 1).toFixed(1)} ${(level - 2.5).toFixed(1)}`
      : "",
  )
  set(node, { d: cuts.join("") })
}

function drawFocus({ parts, focus }, layout, bits) {
  const { column, outline } = parts.bars
  const { slot, y } = layout
  const box = barBox(layout, focus, bits[focus] ?? null)
  const wide = Math.min(slot, box.width + 12)
  set(column, { x: box.x + (box.width - wide) / 2, width: wide, y: y.to, height: box.height ? y.from - y.to : 0 })
  set(outline, {
    opacity: box.height ? 1 : 0, rx: layout.bar > 8 ? 3 : 1,
    x: box.x - 1, y: box.y - 1, width: box.width + 2, height: box.height + 1,
  })
}

/** Pins stand under their bars. */
function drawPins({ parts }, { x, y, bar }, pins) {
  const r = Math.min(3.2, Math.max(bar / 2, 1.4))
  const shape = pins.map((pin, i) => {
    if (pin === null) return ""
    const [px, py] = [x(i) + bar / 2, y.from + 3 + r]
    const head = `M${px - r} ${py}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`
    return `${head}M${px - 0.6} ${py + r}h1.2v5.5h-1.2z`
  })
  set(parts.bars.pins, { d: shape.join("") })
}

/** The layer under a place in the plot; -1 where there is none. */
function barAt({ from, slot, n, y }, px, py) {
  const i = Math.floor((px - from) / slot)
  return i >= 0 && i < n && py > y.to - 16 && py <= y.from + 18 ? i : -1
}
