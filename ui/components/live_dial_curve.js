// The curve: what is predicted at every cost, and where the dial stands on it.

const CURVE_MARGIN = { left: 46, right: 14, top: 28, bottom: 38 }
const COVERED = 11 // pixels from the diamond's middle, within which it would hide a measurement

function curveLayout({ data, path, confirmed }, width, height) {
  const { unit } = data
  const marks = data.marks.flatMap((mark) => mark.x.map((cost, i) => [cost, mark.loss[i]]))
  const points = [
    ...(confirmed && confirmed.x !== null && confirmed.loss !== null ? [[confirmed.x, confirmed.loss]] : []),
    ...path.loss.map((loss, i) => [path.x[i], loss]),
    ...marks,
    ...data.measured.map((m) => [m.x, m.loss]),
  ]
  const costs = [unit.low, unit.high, ...points.map(([cost]) => cost / unit.per_unit)]
  const losses = points.map(([, loss]) => loss)
  const [low, high] = [Math.min(...costs), Math.max(...costs)]
  const x = costScale(low, high, CURVE_MARGIN.left, width - CURVE_MARGIN.right)
  const [bottom, top] = [Math.min(0, ...losses), Math.max(data.linear, ...losses)]
  const ends = [path.columns, ...data.measured, ...(confirmed ? [confirmed] : [])].flatMap(({ low, high }) => [low, high]).flat()
  const reach = reachOf(data.linear, bottom, top, ends.filter((end) => end !== null))
  const y = symlog(data.linear, ...reach, height - CURVE_MARGIN.bottom, CURVE_MARGIN.top)
  const at = (cost, loss) => [x(cost / unit.per_unit), y(loss)]
  return { x, y, at, width, height }
}

/** Of losses from low to high, with the intervals' ends as far as these leave the losses most of the plot. */
function reachOf(linear, low, high, ends) {
  const bend = (value) => Math.asinh(value / linear)
  const room = 0.2 * (bend(high) - bend(low))
  const least = linear * Math.sinh(bend(low) - room)
  const most = linear * Math.sinh(bend(high) + room)
  return [Math.max(Math.min(low, ...ends), least), Math.min(Math.max(high, ...ends), most)]
}

/** Where an interval ends in the plot, which it may leave. */
const inPlot = (y, loss) => Math.min(Math.max(y(loss), y.to), y.from)

function drawCurveFrame({ parts, data }, { x, y, width }) {
  const xs = x.ticks(width / 90)
  const ys = symlogTicks(y)
  const { grid, axes, zero } = parts.curve
  each(grid, "line", ys, (node, v) => gridLine(node, [x.from, y(v), x.to, y(v)]))
  gridLine(zero, [x.from, y(0), x.to, y(0)])
  const suffix = data.unit.label.endsWith(suffixText(data.unit)) ? "" : suffixText(data.unit)
  const of = data.unit.cost === "size_bytes" ? ` \u00b7 ${sizeText(data.full_bytes)} at 32 bit` : ""
  const title = `${data.unit.label}${suffix && `, ${suffix}`}${of}`
  each(axes, "text", [
    ...xs.map((v) => ({ x: x(v), y: y.from + 17, text: tickText(v) })),
    ...ys.map((v) => ({ x: x.from - 7, y: y(v) + 4, text: powerText(v), anchor: "end" })),
    { x: 0, y: 12, text: data.quantity, anchor: "start", name: "title" },
    { x: (x.from + x.to) / 2, y: y.from + 34, text: title, name: "title" },
  ], drawText)
}

function drawPath({ parts, path }, { at, y }) {
  const { frontier, band, dots: small } = parts.curve
  const places = path.loss.map((loss, i) => at(path.x[i], loss))
  set(frontier, { d: places.length > 1 ? polyline(places) : "" })
  set(small, { d: places.length < 60 ? dots(places) : "" })
  const { low, high } = path.columns
  const known = path.x.map((_, i) => i).filter((i) => low[i] !== null && high[i] !== null)
  const edge = [
    ...known.map((i) => [at(path.x[i], 0)[0], inPlot(y, high[i])]),
    ...known.reverse().map((i) => [at(path.x[i], 0)[0], inPlot(y, low[i])]),
  ]
  set(band, { d: known.length > 1 ? `${polyline(edge)}z` : "" })
}

/** The dial's place on the curve, with lines to both axes and the interval of its loss. */
function drawCurrent({ parts, data }, { x, y, at }, point) {
  const { current, guides, range } = parts.curve
  const known = point && point.x !== null && point.loss !== null
  current.classList.toggle("off", !known)
  if (!known) {
    for (const node of [guides, range]) set(node, { d: "" })
    return
  }
  const [px, py] = at(point.x, point.loss).map((place) => Number(place.toFixed(2)))
  set(current, { transform: `translate(${px} ${py})` })
  const covered = data.measured.some((m) => Math.hypot(at(m.x, m.loss)[0] - px, at(m.x, m.loss)[1] - py) < COVERED)
  current.classList.toggle("hollow", covered)
  set(guides, { d: `M${px} ${py}V${y.from}M${px} ${py}H${x.from}` })
  const spread = point.low !== null && point.high !== null
  set(range, { d: spread ? `M${px} ${inPlot(y, point.low).toFixed(1)}V${inPlot(y, point.high).toFixed(1)}` : "" })
}
