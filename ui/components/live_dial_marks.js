// What the curve is seen against: uniform and greedy lines, random points, kept and measured ones.

function drawMarks(panel, layout) {
  const { parts, data, colors } = panel
  const { at } = layout
  const placed = data.marks.map((mark) => ({ ...mark, places: mark.x.map((cost, i) => at(cost, mark.loss[i])) }))
  const of = (look) => placed.filter((mark) => mark.look === look)
  const { cloud, others, squares, signs, kept, crosses } = parts.curve
  set(cloud, { d: dots(of("cloud").flatMap((mark) => mark.places)) })
  each(others, "path", of("line"), (node, mark) => {
    set(node, { d: polyline(mark.places), class: mark.width ? "uniform" : "other" })
  })
  const uniform = of("line").flatMap((mark) => (mark.width ?? []).map((bits, i) => [bits, mark.places[i]]))
  each(squares, "path", uniform, (node, [bits, place]) => {
    set(node, { d: square(place, 4.5) })
    node.style.setProperty("--chip", bitColors(colors, bits)[0])
  })
  set(kept, { d: of("diamonds").flatMap((mark) => mark.places).map((place) => diamond(place, 6)).join("") })
  each(signs, "path", of("crosses"), (node, mark, i) => {
    set(node, { d: mark.places.map((place) => (i % 2 ? ring(place, 2.8) : plus(place, 3.8))).join("") })
  })
  set(crosses, { d: data.measured.map((m) => measuredShape(m, layout)).join("") })
  nameMarks(panel, layout, placed)
  layout.hits = hitsOf(panel, layout, placed)
}

/** A cross, with the interval of what was measured. */
function measuredShape({ x, loss, low, high }, { at, y }) {
  const place = at(x, loss)
  if (low === null || high === null) return cross(place, 4)
  const [px, bottom, top] = [place[0], inPlot(y, low), inPlot(y, high)]
  // An end that is not in the plot has no cap.
  const caps = [[low, bottom], [high, top]].filter(([end, pixel]) => y(end) === pixel)
  return `${cross(place, 4)}M${px} ${bottom}V${top}${caps.map(([, pixel]) => `M${px - 3.5} ${pixel}h7`).join("")}`
}

const BEFORE = 8 // pixels by which a measurement goes before what it lies on

const titled = (name, label) => (label && label !== name ? `${name}: ${label}` : name)

/** Everything that has a tip: place, words, and cost. */
function hitsOf({ data, path }, { at }, placed) {
  const words = (name, cost, loss, { low, high } = { low: null, high: null }, kind = "predicted") => {
    const text = withSuffix(data.unit, dialText(data.unit, cost / data.unit.per_unit))
    const interval = intervalText({ low, high })
    return [name, text, `${kind} \u0394L ${lossText(loss)}`, interval && `95 %: ${interval}`].filter(Boolean)
  }
  return [
    ...path.loss.map((loss, i) => ({
      place: at(path.x[i], loss), cost: path.x[i],
      words: () => words(lastText(path.columns.label, i) || "frontier", path.x[i], loss, path.at(i)),
    })),
    ...placed.flatMap((mark) => mark.places.map((place, i) => ({
      place, cost: mark.x[i],
      words: () => words(titled(mark.name, lastText(mark.label, i)), mark.x[i], mark.loss[i]),
    }))),
    ...data.measured.map((m) => ({
      place: at(m.x, m.loss), cost: m.x, before: BEFORE, words: () => words(`measured: ${m.label}`, m.x, m.loss, m, "measured"),
    })),
  ]
}
