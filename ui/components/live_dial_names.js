// Names of what the curve is seen against, beside it where there is room, else in a list.

const CLEAR = 5 // what the name of a line may lie on: else it would seem another's

function nameMarks(panel, layout, placed) {
  const { parts, data } = panel
  const { x, y } = layout
  const room = { left: x.from, right: x.to + 10, top: y.to - 6, bottom: y.from }
  pen.font = `600 11.5px ${getComputedStyle(parts.curve.root).fontFamily}`
  const crossed = placed.filter((mark) => mark.look === "crosses" && mark.places.length)
  const listed = crossed.map((mark, i) => `${SIGNS[i % 2]} ${mark.name}`)
  if (data.measured.length) listed.push("\u00d7 measured, 95 %")
  const wanted = namesOf(panel, layout, placed)
  const drawn = placeLabels(wanted, room, obstaclesOf(panel, layout, placed), legendOf(listed, room).boxes)
  const named = new Set(drawn.map(({ text }) => text))
  for (const { text, most } of wanted) if (most === CLEAR && !named.has(text)) listed.push(`\u2013 ${text}`)
  each(parts.curve.labels, "text", [...drawn, ...legendOf(listed, room).rows], drawText)
}

/** {text, anchors: places beside which it may stand, ...}, the most important first. */
function namesOf({ path }, { at, x, y }, placed) {
  const of = (look) => placed.filter((mark) => mark.look === look && mark.places.length)
  const kept = of("diamonds").flatMap((mark) =>
    mark.places.map((place, i) => ({ text: short(lastText(mark.label, i)), anchors: [place], name: "strong", most: Infinity })),
  )
  const uniform = of("line").flatMap((mark) =>
    (mark.width ?? []).map((bits, i) => ({ text: `${bits} bit`, anchors: [mark.places[i]], of: mark.name })),
  )
  const line = path.loss.map((loss, i) => at(path.x[i], loss))
  const zero = [1, 0.8, 0.6, 0.4, 0.2, 0].map((share) => [x.from + share * (x.to - x.from), y(0)])
  return [
    ...kept,
    ...uniform,
    ...(line.length > 1 ? [{ text: "frontier", anchors: along(line), name: "frontier-name", of: "frontier" }] : []),
    ...of("line").map((mark) => ({ text: mark.name, anchors: along(mark.places), of: mark.name, most: CLEAR })),
    ...of("cloud").map((mark) => ({ text: mark.name, anchors: corners(mark.places) })),
    { text: "full precision", anchors: zero, of: "" },
  ]
}

/** [x, y, how bad it is to lie on it, the line it belongs to]. */
function obstaclesOf({ data, path }, { at, x, y }, placed) {
  const lines = [
    ["frontier", path.loss.map((loss, i) => at(path.x[i], loss))],
    ["", [[x.from, y(0)], [x.to, y(0)]]],
    ...placed.filter((mark) => mark.look === "line").map((mark) => [mark.name, mark.places]),
  ]
  return [
    ...lines.flatMap(([name, places]) => walked(places).map(([px, py]) => [px, py, 2, name])),
    ...placed.flatMap((mark) => mark.places.map(([px, py]) => [px, py, mark.look === "cloud" ? 0.4 : 6])),
    ...data.measured.map((m) => [...at(m.x, m.loss), 6]),
  ]
}

const short = (text) => (text.length > 22 ? `${text.slice(0, 21)}\u2026` : text)

/** Places along a line, first those in its middle. */
function along(places) {
  const steps = walked(places)
  const shares = [0.5, 0.4, 0.6, 0.3, 0.7, 0.8, 0.2, 0.9, 0.1, 1, 0]
  return (steps.length ? shares : []).map((share) => steps[Math.round(share * (steps.length - 1))])
}

/** The points of a cloud that lie outermost. */
function corners(places) {
  const by = (key) => places.reduce((best, place) => (key(place) > key(best) ? place : best))
  return [by(([x, y]) => x - y), by(([x]) => x), by(([, y]) => -y), by(([x, y]) => -x - y)]
}

/** Places along a line, near enough to each other that no label fits between. */
function walked(places) {
  return places.slice(1).flatMap(([bx, by], i) => {
    const [ax, ay] = places[i]
    const n = Math.ceil(Math.hypot(bx - ax, by - ay) / 8)
    return Array.from({ length: n }, (_, k) => [ax + ((bx - ax) * k) / n, ay + ((by - ay) * k) / n])
  })
}
