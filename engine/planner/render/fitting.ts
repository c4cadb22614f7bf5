/** As many items as a budget of characters and a greatest number allow; the rest is told by its number. */
export function fitting(
  items: readonly string[],
  budget: number,
  most: number,
  more: (left: number) => string,
): readonly string[] {
  const all = items.reduce((sum, item) => sum + item.length + 1, 0)
  if (items.length <= most && all <= budget) return items
  const taken: string[] = []
  let left = budget - more(items.length).length - 1
  for (const item of items.slice(0, most)) {
    left -= item.length + 1
    if (left < 0) break
    taken.push(item)
  }
  return [...taken, more(items.length - taken.length)]
}
