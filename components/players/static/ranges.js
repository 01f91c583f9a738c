// Sets of numbers as ranges [from, to), in order and apart from each other.

export const parse = (text) => (text ?? "").split(",").filter(Boolean).map((range) => {
  const [from, to] = range.split("-").map(Number);
  return [from, to];
});

export const format = (ranges) => ranges.map(([from, to]) => `${from}-${to}`).join(",");

// The ranges with one more.
export function union(ranges, [from, to]) {
  if (!(to > from)) return ranges;
  const apart = ranges.filter(([begin, end]) => end < from || begin > to);
  const touching = ranges.filter(([begin, end]) => !(end < from || begin > to));
  const begin = Math.min(from, ...touching.map(([begin]) => begin));
  const end = Math.max(to, ...touching.map(([, end]) => end));
  return [...apart, [begin, end]].sort(([one], [other]) => one - other);
}

// How much of them is before an end.
export const length = (ranges, end) =>
  ranges.reduce((sum, [from, to]) => sum + Math.max(Math.min(to, end) - from, 0), 0);
