// The two smaller charts: KL divergence on the same axis, and SQNR by bit width.

/** One scale for the curves of all bits, so that it stays when the bits change. */
function divergenceScale(curves) {
  const [top, bottom] = [30, HEIGHT.divergence - 10]
  const all = Object.values(curves).flatMap((curve) => curve.y.filter((v) => v !== null))
  const high = Math.max(...all, 1e-12)
  const positive = all.filter((value) => value > high * 1e-7)
  const low = Math.min(...positive, high)
  if (high / low < 30) return { y: scale(0, high * 1.08, bottom, top), ticks: niceTicks(0, high, 3), top }
  const y = logScale(low / 1.5, high * 1.3, bottom, top)
  return { y, ticks: decades(y.low, y.high, 4), top }
}

function curvePath({ x: xs, y: ys }, x, y) {
  let pen = "M"
  return xs
    .map((place, i) => {
      if (ys[i] === null) pen = "M"
      if (ys[i] === null || place > x.high) return ""
      const alone = pen === "M" && (ys[i + 1] ?? null) === null
      const point = `${pen}${x(place).toFixed(2)} ${y(ys[i]).toFixed(2)}`
      pen = "L"
      return alone ? `${point}h0` : point // with round ends a line of no length is a dot
    })
    .join("")
}

function drawDivergence({ parts, data, bits }, layout, threshold, color) {
  const curve = data.curves[bits]
  const box = parts.divergence
  box.root.hidden = Object.keys(data.curves).length === 0
  if (box.root.hidden) return
  const { x } = layout
  const { y, ticks, top } = layout.divergence
  each(box.grid, "line", ticks, (node, v) => gridLine(node, [x.from, y(v), x.to, y(v)]))
  const texts = [
    ...ticks.map((v) => ({ x: x.from - 7, y: y(v) + 4, text: tickText(v), anchor: "end" })),
    { x: 0, y: 12, text: "KL divergence (nats)", anchor: "start", name: "title" },
  ]
  each(box.axes, "text", texts, drawText)
  set(box.curve, { d: curve ? curvePath(curve, x, y) : "", stroke: color })
  set(box.cursor, { x1: x(threshold), x2: x(threshold), y1: top, y2: y.from })
  const here = divergenceAt(curve, threshold)
  const finite = here !== null && Number.isFinite(here)
  set(box.here, { cx: x(threshold), cy: finite ? y(here) : 0, opacity: finite ? 1 : 0 })
  markBest(box, curve, layout)
}

/** A ring at the minimum; its label stays above the curve, with a line down to it. */
function markBest(box, curve, { x, divergence: { y, top } }) {
  const found = curve && curve.best !== null && curve.x[curve.best] <= x.high
  box.label.textContent = ""
  set(box.best, { opacity: found ? 1 : 0 })
  set(box.leader, { opacity: found ? 1 : 0 })
  if (!found) return
  const [place, value] = [curve.x[curve.best], curve.y[curve.best]]
  set(box.best, { cx: x(place), cy: y(value) })
  set(box.leader, { x1: x(place), x2: x(place), y1: top, y2: y(value) - 4 })
  const text = `minimum ${readable(value, 3)} at ${readable(place, 3)}`
  const anchor = x(place) > x.to - 90 ? "end" : x(place) < x.from + 90 ? "start" : "middle"
  drawText(box.label, { x: x(place), y: top - 3, text, anchor, name: "best-label" })
}

/** The highest SQNR that any threshold reaches, so that the axis stays while it is dragged. */
function sqnrTop({ data, histogram }, reach) {
  const most = data.widths[data.widths.length - 1]
  let top = 6
  for (let i = 0; i < 24; i++) {
    const levels = levelsOf(data, most, reach * 0.8 ** i)
    top = Math.max(top, roundingError(histogram, levels).sqnr ?? 0)
    if (data.scheme === "levels") break
  }
  return top
}

function drawSide({ parts, data, bits, colors }, layout, ratios) {
  const { sideWidth: width, sideTop } = layout
  const height = parts.side.root.clientHeight
  const [left, right, top, bottom] = [34, width - 14, 30, height - 38]
  const known = ratios.filter((value) => value !== null)
  const y = scale(Math.min(0, ...known), Math.max(sideTop * 1.08, ...known), bottom, top)
  const at = (i) => left + ((i + 0.5) / data.widths.length) * (right - left)
  const ticks = niceTicks(y.low, y.high, Math.max(height / 60, 3))
  const points = data.widths.map((width, i) => ({ width, i, value: ratios[i] ?? y.high }))
  each(parts.side.grid, "line", ticks, (node, v) => gridLine(node, [left, y(v), right, y(v)]))
  each(parts.side.axes, "text", [
    ...ticks.map((v) => ({ x: left - 6, y: y(v) + 4, text: tickText(v), anchor: "end" })),
    ...data.widths.map((b, i) => ({ x: at(i), y: bottom + 16, text: `${b}`, name: b === bits ? "on" : "" })),
    { x: 0, y: 12, text: "SQNR by bit width (dB)", anchor: "start", name: "title" },
    { x: (left + right) / 2, y: bottom + 34, text: "bits", name: "title" },
  ], drawText)
  const path = points.map(({ i, value }) => `${i ? "L" : "M"}${at(i)} ${y(value)}`).join("")
  set(parts.side.curve, { d: path })
  each(parts.side.points, "circle", points, (node, { width, i, value }) => {
    set(node, { cx: at(i), cy: y(value), r: width === bits ? 6 : 4, fill: colors[width] })
    node.classList.toggle("on", width === bits)
  })
  const here = data.widths.indexOf(bits)
  const value = ratios[here]
  const text = value === null ? "exact" : `${value.toFixed(1)} dB`.replace("-", "\u2212")
  const [px, py] = [at(here), y(value ?? y.high)]
  // The curve rises: over a point to its left, and under it to its right, there is room; not below
  // the lowest tick, where the bits stand.
  const above = px - left > 62 && value !== null
  const place = above
    ? { x: px - 7, y: py - 10, anchor: "end" }
    : { x: px + 7, y: py + (py + 24 > bottom ? -10 : 19), anchor: "start" }
  drawText(parts.side.value, { ...place, text, name: "value" })
  return { left, right }
}
