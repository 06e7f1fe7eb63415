// Scales, ticks, and the dial's steps.

/** Costs: in proportion, or by factors where the dearest is many times the cheapest. */
const MANY_TIMES = 4
function costScale(low, high, from, to) {
  if (!(low > 0 && high / low > MANY_TIMES)) {
    const room = 0.025 * (high - low || 1)
    const map = scale(low - room, high + room, from, to)
    return Object.assign(map, { ticks: (about) => niceTicks(map.low, map.high, about) })
  }
  const room = (high / low) ** 0.025
  const inner = scale(Math.log(low / room), Math.log(high * room), from, to)
  const map = (value) => inner(Math.log(Math.max(value, 1e-300)))
  const ticks = (about) => factorTicks(low / room, high * room, map, (to - from) / about / 1.6)
  return Object.assign(map, { invert: (pixel) => Math.exp(inner.invert(pixel)), from, to, ticks })
}

/** Round numbers at least so many pixels apart. */
function factorTicks(low, high, map, apart) {
  const ticks = []
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) {
    for (const value of [1, 1.5, 2, 3, 4, 5, 6, 8].map((m) => m * power)) {
      const free = ticks.length === 0 || map(value) - map(ticks[ticks.length - 1]) >= apart
      if (value >= low && value <= high && free) ticks.push(value)
    }
  }
  return ticks
}

/** y = asinh(x / linear) / ln 10: one unit is a factor of ten where |x| is far above `linear`. */
function symlog(linear, low, high, from, to) {
  const bend = (value) => Math.asinh(value / linear) / Math.LN10
  const [bottom, top] = [bend(low), bend(high)]
  const room = 0.06 * (top - bottom || 1)
  const inner = scale(bottom - room, top + room, from, to)
  return Object.assign((value) => inner(bend(value)), { from, to, low, high, linear })
}

/** Zero and the powers of ten that the axis shows, every second one where they are many. */
function symlogTicks({ low, high, linear }) {
  const ticks = [0]
  for (const [sign, limit] of [[1, high], [-1, -low]]) {
    for (let e = Math.ceil(Math.log10(linear) - 1e-9); 10 ** e <= limit * 1.5; e++) {
      ticks.push(sign * 10 ** e)
    }
  }
  if (ticks.length <= 8) return ticks
  return ticks.filter((t) => t === 0 || Math.round(Math.log10(Math.abs(t))) % 2 === 0)
}

/** The step of the dial at or next to a value; `rounding` is a function such as Math.round. */
function snap({ low, high, step, decimals }, value, rounding = Math.round) {
  const steps = rounding((value - low) / step - (rounding === Math.ceil ? 1e-6 : 0))
  const snapped = Number((low + steps * step).toFixed(Math.min(decimals + 3, 12)))
  return Math.min(Math.max(snapped, low), high)
}

/** Heights of bars: in proportion up to 8 bits; from there to 16 as much as two bits. */
const BREAK = 8
const folded = (bits) => (bits <= BREAK ? bits : BREAK + ((bits - BREAK) * 2) / 8)
