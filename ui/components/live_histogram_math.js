// Grids of levels, their exact error on a histogram, and numbers as people read them.

const cube = (x) => x * x * x
const THIN = 1e-6

/** Halves go to the even neighbour, as numpy.rint sends them. */
function rint(x) {
  const floor = Math.floor(x)
  if (x - floor !== 0.5) return Math.round(x)
  return floor % 2 === 0 ? floor : floor + 1
}

function symmetricLevels(threshold, bits) {
  const n = 2 ** (bits - 1) - 1
  return Float64Array.from({ length: 2 * n + 1 }, (_, i) => (i - n) * (threshold / n))
}

/** The range that a threshold leaves of the values seen; zero is always in it. */
function clippedRange([low, high], threshold) {
  return [low < 0 ? Math.max(low, -threshold) : 0, high > 0 ? Math.min(high, threshold) : 0]
}

function affineLevels(seen, threshold, bits) {
  const [low, high] = clippedRange(seen, threshold)
  const top = 2 ** bits - 1
  const scale = (high - low) / top || 1
  const zeroPoint = Math.min(Math.max(rint(-low / scale), 0), top)
  return Float64Array.from({ length: top + 1 }, (_, q) => (q - zeroPoint) * scale)
}

function levelsOf(data, bits, threshold) {
  if (data.scheme === "levels") return data.levels[bits]
  if (data.scheme === "affine") return affineLevels(data.seen, threshold, bits)
  return symmetricLevels(threshold, bits)
}

/** The distance between neighbouring levels; null where it is not the same everywhere. */
function stepOf(levels) {
  if (levels.length < 2) return null
  const step = (levels[levels.length - 1] - levels[0]) / (levels.length - 1)
  for (let i = 1; i < levels.length; i++) {
    if (Math.abs(levels[i] - levels[i - 1] - step) > 1e-6 * Math.abs(step)) return null
  }
  return step
}

/** Counts between edges, the outermost of which are the smallest and the largest value seen. The
 * energy is that of values spread evenly over each bin. */
function histogramOf({ counts, low, bin_width: width, zeros, seen }) {
  const edges = Float64Array.from({ length: counts.length + 1 }, (_, i) =>
    Math.min(Math.max(low + i * width, seen[0]), seen[1]),
  )
  const histogram = { counts, low, width, zeros, edges }
  histogram.total = counts.reduce((sum, count) => sum + count, zeros)
  const sum = sumOverBins(histogram, (x) => cube(x) / 3, (x) => x * x)
  histogram.energy = histogram.total ? sum / histogram.total : 0
  return histogram
}

/** Sum over all values but exact zeros, from an antiderivative at the edges; a bin of no width
 * (`THIN` of a bin: less would be all rounding) is a point. */
function sumOverBins({ counts, edges, width }, antiderivative, atPoint) {
  let sum = 0
  let before = antiderivative(edges[0])
  for (let i = 0; i < counts.length; i++) {
    const after = antiderivative(edges[i + 1])
    const wide = edges[i + 1] - edges[i]
    if (counts[i] > 0) {
      const thin = wide <= THIN * width
      sum += counts[i] * (thin ? atPoint((edges[i] + edges[i + 1]) / 2) : (after - before) / wide)
    }
    before = after
  }
  return sum
}

/** The integral of the squared rounding error from some fixed place up to x; x must not fall. */
function errorIntegral(levels) {
  let k = 0
  let base = 0
  return (x) => {
    for (; k + 1 < levels.length; k++) {
      const boundary = (levels[k] + levels[k + 1]) / 2
      if (x <= boundary) break
      base += (cube(boundary - levels[k]) - cube(boundary - levels[k + 1])) / 3
    }
    return base + cube(x - levels[k]) / 3
  }
}

const leastSquare = (levels, x) => levels.reduce((least, v) => Math.min(least, (x - v) ** 2), Infinity)

/** {mse, sqnr} of rounding to the levels; sqnr is null without error or energy. */
function roundingError(histogram, levels) {
  const { zeros, total, energy } = histogram
  let noise = sumOverBins(histogram, errorIntegral(levels), (x) => leastSquare(levels, x))
  if (zeros > 0) noise += zeros * leastSquare(levels, 0)
  const mse = total ? Math.max(noise, 0) / total : 0
  return { mse, sqnr: mse > 0 && energy > 0 ? 10 * Math.log10(energy / mse) : null }
}

/** What is kept: magnitudes up to the threshold; of a codebook, from its first to its last level. */
function keptRange(data, levels, threshold) {
  return data.scheme === "levels" ? [levels[0], levels[levels.length - 1]] : [-threshold, threshold]
}

/** The share of all values that lie beyond what is kept. */
function clippedShare(histogram, [low, high]) {
  const inside = (x) => Math.min(Math.max(x, low), high)
  const kept = sumOverBins(histogram, inside, (x) => (x < low || x > high ? 0 : 1))
  const zeros = low > 0 || high < 0 ? 0 : histogram.zeros
  return histogram.total ? Math.max(1 - (kept + zeros) / histogram.total, 0) : 0
}

/** The curve at the first candidate that keeps all up to x; null below the first. */
function divergenceAt(curve, x) {
  const last = curve ? curve.x.length - 1 : -1
  // Both are rounded: a threshold at an edge is that edge's candidate.
  if (last < 0 || x < curve.x[0] * (1 - 1e-6)) return null
  const place = curve.x.findIndex((edge) => edge >= x * (1 - 1e-6))
  return curve.y[place < 0 ? last : place] ?? Infinity
}

/** Powers of ten between, every second or third one where they are many. */
function decades(low, high, most) {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)]
  const every = Math.max(1, Math.ceil((last - first + 1) / most))
  const ticks = []
  for (let power = first; power <= last; power += every) ticks.push(10 ** power)
  return ticks
}

/** Always the same number of digits, so that text keeps its width. */
function readable(value, digits = 4) {
  if (value === null || Number.isNaN(value)) return "\u2013"
  if (!Number.isFinite(value)) return "\u221e"
  const size = Math.abs(value)
  if (size === 0) return "0"
  if (size >= 1e5 || size < 1e-3) return minus(value.toExponential(digits - 1))
  return minus(value.toPrecision(digits))
}

function tickText(value) {
  const size = Math.abs(value)
  for (const [unit, name] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (size >= unit) return minus(`${Number((value / unit).toPrecision(4))}${name}`)
  }
  if (size !== 0 && size < 1e-3) return minus(Number(value.toPrecision(4)).toExponential())
  return minus(`${Number(value.toPrecision(4))}`)
}

function percentText(share) {
  const percent = share * 100
  if (percent === 0) return "0 %"
  if (percent < 0.001) return "<0.001 %"
  return `${percent.toFixed(percent < 1 ? 3 : percent < 10 ? 2 : 1)} %`
}
