// Labels beside what they name, where they lie on nothing.

const LINE = 13
const ROW = 16
const pen = document.createElement("canvas").getContext("2d")

/** Around a place: right, left, above, below, and the corners. */
const AROUND = [
  [9, 4, "start"], [-9, 4, "end"], [7, -7, "start"], [7, 15, "start"],
  [-7, -7, "end"], [-7, 15, "end"], [0, -11, "middle"], [0, 20, "middle"],
]

function labelBox([px, py], [dx, dy, anchor], text) {
  const { width } = pen.measureText(text)
  const left = px + dx - (anchor === "end" ? width : anchor === "middle" ? width / 2 : 0)
  return { left, right: left + width, top: py + dy - 10, bottom: py + dy + LINE - 10 }
}

const apart = (a, b) => a.right + 3 < b.left || b.right + 3 < a.left || a.bottom < b.top || b.bottom < a.top
const within = ([x, y], box, room) =>
  x > box.left - room && x < box.right + room && y > box.top - room && y < box.bottom + room

/** What is wrong with a box: outside, on another label, on a mark, on its own line or near another. */
function clutter(box, of, room, placed, obstacles) {
  const outside = box.left < room.left || box.right > room.right || box.top < room.top || box.bottom > room.bottom
  let sum = (outside ? 60 : 0) + 40 * placed.filter((other) => !apart(box, other)).length
  for (const [x, y, weight, line] of obstacles) {
    if (within([x, y], box, line !== undefined && line !== of ? 6 : 2)) sum += weight
  }
  return sum
}

/** Each of `wanted` {text, anchors, name, of: its line} as drawn text; one that would lie on more than
 * `most` is left out. `placed` are boxes already taken. */
function placeLabels(wanted, room, obstacles, placed) {
  return wanted.flatMap(({ text, anchors, name = "", of, most = 30 }) => {
    let best = { cost: most }
    anchors.forEach((place, turn) => {
      for (const offset of AROUND) {
        const box = labelBox(place, offset, text)
        const cost = clutter(box, of, room, placed, obstacles) + 0.02 * turn
        if (cost < best.cost - 1e-9) best = { cost, box, place, offset }
      }
    })
    if (!best.box) return []
    placed.push(best.box)
    const { place: [px, py], offset: [dx, dy, anchor] } = best
    return [{ x: px + dx, y: py + dy, text, anchor, name }]
  })
}

/** A list of names in the upper right, where a falling curve leaves room: texts and their boxes. */
function legendOf(texts, room) {
  const rows = texts.map((text, i) => ({ x: room.right - 10, y: room.top + 16 + ROW * i, text, anchor: "end", name: "" }))
  return { rows, boxes: rows.map(({ x, y, text }) => labelBox([x, y], [0, 0, "end"], text)) }
}
