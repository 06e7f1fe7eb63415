// Names of what the curve is seen against: of places beside them, of whole sets in a list.

function nameMarks(panel, layout, placed) {
  const { parts, data } = panel
  const { x, y } = layout
  const room = { left: x.from, right: x.to + 10, top: y.to - 6, bottom: y.from }
  pen.font = `600 11.5px ${getComputedStyle(parts.curve.root).fontFamily}`
  const legend = legendOf(listedOf(data, placed), room)
  const drawn = placeLabels(namesOf(panel, layout, placed), room, obstaclesOf(panel, layout, placed), legend.boxes)
  each(parts.curve.labels, "text", [...drawn, ...legend.rows], drawText)
}

/** Each set behind the sign that it is drawn by. */
function listedOf(data, placed) {
  const of = (look) => placed.filter((mark) => mark.look === look && mark.places.length)
  return [
    ...of("line").map((mark) => `${mark.width ? "\u25a0" : "\u2013"} ${mark.name}`),
    ...of("crosses").map((mark, i) => `${SIGNS[i % 2]} ${mark.name}`),
    ...of("cloud").map((mark) => `\u2022 ${mark.name}`),
    ...(data.measured.length ? ["\u00d7 measured, 95 %"] : []),
  ]
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
    ...data.measured.flatMap((m) => [m.low ?? m.loss, m.loss, m.high ?? m.loss].map((loss) => [at(m.x, 0)[0], inPlot(y, loss), 6])),
  ]
}

const short = (text) => (text.length > 22 ? `${text.slice(0, 21)}\u2026` : text)

/** Places along a line, first those in its middle. */
function along(places) {
  const steps = walked(places)
  const shares = [0.5, 0.4, 0.6, 0.3, 0.7, 0.8, 0.2, 0.9, 0.1, 1, 0]
  return (steps.length ? shares : []).map((share) => steps[Math.round(share * (steps.length - 1))])
}

/** Places along a line, near enough to each other that no label fits between. */
function walked(places) {
  return places.slice(1).flatMap(([bx, by], i) => {
    const [ax, ay] = places[i]
    const n = Math.ceil(Math.hypot(bx - ax, by - ay) / 8)
    return Array.from({ length: n }, (_, k) => [ax + ((bx - ax) * k) / n, ay + ((by - ay) * k) / n])
  })
}
