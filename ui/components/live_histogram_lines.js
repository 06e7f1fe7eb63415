// Named thresholds: a line each, and labels that do not lie on one another.

const ROW = 15

/** Named thresholds, their labels in rows so that none lies on another. */
function drawLines({ parts, data, bits }, layout) {
  const { x, top, bottom, sides } = layout
  const named = data.lines
    .map((line, index) => ({ ...line, index, value: line.thresholds[bits] }))
    .filter((line) => line.value !== undefined)
  const marks = named.flatMap((line) =>
    [-line.value, line.value]
      .filter((place, i) => sides[i] && place >= x.low && place <= x.high)
      .map((place) => ({ place, color: line.color })),
  )
  each(parts.main.lines, "line", marks, (node, { place, color }) =>
    set(node, { x1: x(place), x2: x(place), y1: top - 5, y2: bottom, stroke: color }),
  )
  each(parts.labels, "button", named, (node, line) => {
    const text = labelText(line, bits)
    if (node.textContent !== text) node.textContent = text
    node.type = "button"
    node.disabled = data.scheme === "levels"
    node.dataset.line = line.index
    node.title = `${text}: ${readable(line.value)}`
    node.style.setProperty("--line", line.color)
  })
  placeLabels([...parts.labels.children], named, layout)
}

function labelText({ label, notes }, bits) {
  return notes[bits] ? `${label} \u00b7 ${notes[bits]}` : label
}

/** Over its line on the right where that is in view; the lowest row that has room. */
function placeLabels(buttons, named, { x, top, sides }) {
  const labels = named.map(({ value }, i) => labelBox(x, sides, value, buttons[i].offsetWidth))
  rowsOf(labels).forEach((row, i) => {
    const height = top - 5 - (row + 1) * ROW
    buttons[i].style.transform = `translate(${labels[i].left}px, ${height}px)`
  })
}

function labelBox(x, sides, value, width) {
  const onRight = sides[1] && (value <= x.high || -value < x.low)
  const place = x(onRight ? value : -value)
  return { left: Math.min(Math.max(place - width / 2, x.from), x.to - width), width }
}

/** The lowest row for each label in which it lies on no other. */
function rowsOf(labels) {
  const [ends, rows] = [[], []]
  const order = labels.map((_, i) => i).sort((a, b) => labels[a].left - labels[b].left)
  for (const i of order) {
    const { left, width } = labels[i]
    const free = ends.findIndex((end) => end + 4 <= left)
    rows[i] = free < 0 ? ends.length : free
    ends[rows[i]] = left + width
  }
  return rows
}

/** Rows that the labels of any bit width need, so that nothing moves when the bits change. */
function labelRows(data, x, sides) {
  const needed = data.widths.map((bits) => {
    const boxes = data.lines
      .filter((line) => line.thresholds[bits] !== undefined)
      .map((line) => labelBox(x, sides, line.thresholds[bits], 24 + 7 * labelText(line, bits).length))
    return Math.max(-1, ...rowsOf(boxes)) + 1
  })
  return Math.max(...needed)
}
