// The configurations that the dial runs through, unpacked from their columns.

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
const DIGIT = Object.fromEntries([...DIGITS].map((digit, i) => [digit, i]))

function bitsOf(text, places) {
  if (places === 1) return Array.from(text, (digit) => DIGIT[digit])
  return Array.from(
    { length: text.length / 2 },
    (_, i) => (DIGIT[text[2 * i]] * 64 + DIGIT[text[2 * i + 1]]) / 100,
  )
}

/** Where the text at i is left out, it is the last one before. */
function lastText(texts, i) {
  while (i > 0 && texts[i] === null) i--
  return texts[i]
}

/** Points by number, unpacked when they are first asked for. */
class Path {
  constructor(columns, cost, places) {
    this.columns = columns
    this.places = places
    this.x = columns.costs[cost] ?? []
    this.loss = columns.loss
    this.length = this.loss.length
    this.points = []
    // best[i] is the point of least loss among the first i + 1, the cheapest of equals.
    this.best = []
    this.loss.forEach((loss, i) => {
      const before = this.best[i - 1] ?? 0
      this.best.push(loss < this.loss[before] ? i : before)
    })
  }

  at(i) {
    return (this.points[i] ??= this.unpack(i))
  }

  unpack(i) {
    const { costs, loss, low, high, label, bits, inputs } = this.columns
    const input = inputs && lastText(inputs, i)
    return {
      costs: Object.fromEntries(Object.entries(costs).map(([name, column]) => [name, column[i]])),
      x: this.x[i],
      loss: loss[i],
      low: low[i],
      high: high[i],
      label: lastText(label, i),
      bits: bitsOf(lastText(bits, i), this.places),
      inputs: input ? bitsOf(input, 1) : null,
    }
  }

  /** The bits of one layer at point i. */
  bitsAt(i, layer) {
    const text = lastText(this.columns.bits, i) ?? ""
    return bitsOf(text.slice(layer * this.places, (layer + 1) * this.places), this.places)[0]
  }

  /** The best point that costs at most that, the first where none does; null on an empty path. */
  within(cost) {
    if (!this.length) return null
    const most = cost + 1e-6 * Math.abs(cost)
    let [low, high] = [0, this.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.x[middle] <= most) low = middle + 1
      else high = middle
    }
    return this.at(this.best[Math.max(low - 1, 0)])
  }
}

/** (color, ink) of a width: means take the nearest whole width, and that the next in the ramp. */
function bitColors(colors, bits) {
  if (bits === 0) return colors.pruned
  const whole = Math.max(Math.round(bits), 1)
  const ramp = colors.ramp
  const [, color, ink] = ramp.find(([width]) => width >= whole) ?? ramp[ramp.length - 1]
  return [color, ink]
}
