// Drawing. Text from outside is only ever set as textContent.

const HEIGHT = { main: 300, divergence: 132 }
const MARGIN = { left: 50, right: 14 }
const NARROW_COLUMNS = 128
const MOST_COLUMNS = 256
const MOST_LINES = 160 // more levels than this would be a solid block

function logScale(low, high, from, to) {
  const inner = scale(Math.log10(low), Math.log10(high), from, to)
  return Object.assign((value) => inner(Math.log10(Math.max(value, low))), { low, high, from, to })
}

/** Neighbouring bins added up to a number that can be seen; zero is an edge of a column. */
function columnsOf({ counts, low, width }, most) {
  const together = Math.max(1, Math.ceil(counts.length / most))
  const behind = ((Math.round(-low / width) % together) + together) % together
  const start = behind === 0 ? 0 : behind - together
  const columns = []
  for (let first = start; first < counts.length; first += together) {
    let count = 0
    for (let i = Math.max(first, 0); i < Math.min(first + together, counts.length); i++) {
      count += counts[i]
    }
    columns.push({ left: low + first * width, right: low + (first + together) * width, count })
  }
  return columns
}

/** What depends on data and size alone: scales and columns. */
function layoutOf({ data, histogram }, width, sideWidth) {
  const reach = Math.max(-data.seen[0], data.seen[1]) || histogram.width
  const sides = [data.seen[0] < 0, data.seen[1] > 0 || data.seen[0] >= 0]
  const mirrored = data.scheme === "symmetric" && sides[0] && sides[1]
  const low = mirrored ? -reach : Math.min(data.seen[0], 0)
  const high = mirrored ? reach : sides[0] ? Math.max(data.seen[1], 0) : reach
  const room = 0.025 * (high - low)
  const x = scale(low < 0 ? low - room : 0, high > 0 ? high + room : 0, MARGIN.left, width - MARGIN.right)
  const columns = columnsOf(histogram, width < 560 ? NARROW_COLUMNS : MOST_COLUMNS)
  const most = columns.reduce((top, column) => Math.max(top, column.count), 1)
  const top = 22 + ROW * labelRows(data, x, sides)
  const bottom = HEIGHT.main - 38
  const y = data.log ? logScale(0.5, most * 1.6, bottom, top) : scale(0, most * 1.06, bottom, top)
  return { width, sideWidth, x, y, top, bottom, columns, most, reach, sides }
}

function drawFrame({ parts, data, histogram }, layout) {
  const { x, y, bottom, most, width } = layout
  const xs = niceTicks(x.low, x.high, width / 110)
  const ys = data.log ? decades(1, most * 1.6, 6) : niceTicks(0, most * 1.06, 5)
  each(parts.main.grid, "line", ys, (node, v) => gridLine(node, [x.from, y(v), x.to, y(v)]))
  const base = { x1: x.from, x2: x.to, y1: bottom, y2: bottom }
  const share = percentText(histogram.zeros / histogram.total)
  const words = width < 480 ? "zeros, not drawn" : "are exact zeros, not drawn"
  const zeros = histogram.zeros ? ` \u00b7 ${share} ${words}` : ""
  const texts = [
    ...xs.map((v) => ({ x: x(v), y: bottom + 16, text: tickText(v) })),
    ...ys.map((v) => ({ x: x.from - 7, y: y(v) + 4, text: tickText(v), anchor: "end" })),
    { x: 0, y: 12, text: `values per bin${zeros}`, anchor: "start", name: "title" },
    { x: (x.from + x.to) / 2, y: bottom + 34, text: data.x_title, name: "title" },
  ]
  each(parts.main.axes, "text", texts, drawText)
  set(parts.main.base, base)
}

function drawBars({ parts }, { x, y, columns, bottom }) {
  const shape = columns
    .filter((column) => column.count > 0)
    .map(({ left, right, count }) => {
      const [from, to] = [Math.max(x(left), x.from), Math.min(x(right), x.to)]
      const gap = to - from > 3 ? 0.6 : 0
      const top = Math.min(y(count), bottom - 0.5).toFixed(2)
      return to > from ? `M${from.toFixed(2)} ${bottom}V${top}H${(to - gap).toFixed(2)}V${bottom}Z` : ""
    })
    .join("")
  for (const path of parts.main.bars) set(path, { d: shape })
}

/** Levels as thin lines; where they would run together, a tint from the first to the last. */
function drawLevels({ parts }, { x, top, bottom }, levels, color) {
  const seen = Array.from(levels).filter((level) => level >= x.low && level <= x.high)
  const dense = seen.length > MOST_LINES
  const lines = dense ? seen.filter((_, i) => i === 0 || i === seen.length - 1) : seen
  const [from, to] = dense ? [x(seen[0]), x(seen[seen.length - 1])] : [0, 0]
  set(parts.main.band, { x: from, width: to - from, y: top, height: bottom - top, fill: color })
  set(parts.main.levels, {
    d: lines.map((level) => `M${x(level).toFixed(2)} ${top}V${bottom}`).join(""),
    stroke: color,
    "stroke-opacity": lines.length <= 20 ? 0.9 : lines.length <= 40 ? 0.65 : 0.45,
  })
}

/** What is clipped: a soft shade, and its bars in another colour. */
function drawBeyond({ parts, data }, { x, top, bottom }, levels, threshold) {
  const [low, high] = keptRange(data, levels, threshold)
  const left = Math.min(Math.max(x(low), x.from), x.to)
  const right = Math.min(Math.max(x(high), x.from), x.to)
  const shapes = [
    { x: x.from, width: data.seen[0] < low ? left - x.from : 0 },
    { x: right, width: data.seen[1] > high ? x.to - right : 0 },
  ]
  shapes.forEach((shape, i) => {
    set(parts.main.shades[i], { ...shape, y: top, height: bottom - top })
    set(parts.main.clips[i], { ...shape, y: 0, height: bottom })
  })
}

function placeHandles({ parts, data }, { x, top, bottom, sides, reach }, threshold) {
  parts.handles.forEach((handle, i) => {
    const place = i === 0 ? -threshold : threshold
    const draggable = data.scheme !== "levels" && threshold > 0
    const shown = draggable && sides[i] && place >= x.low && place <= x.high
    handle.hidden = !shown
    handle.style.transform = `translateX(${x(place)}px)`
    handle.style.top = `${top - 6}px`
    handle.style.height = `${bottom - top + 6}px`
    handle.setAttribute("aria-valuemin", "0")
    handle.setAttribute("aria-valuemax", String(reach))
    handle.setAttribute("aria-valuenow", String(threshold))
    handle.setAttribute("aria-valuetext", readable(threshold))
  })
}
