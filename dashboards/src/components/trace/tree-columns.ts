/** Widths of the tree's columns, one truth for heading and rows. They leave one after another as room runs out. */
export const treeColumns = {
  duration: "w-16 shrink-0 px-1 text-right tabular-nums",
  tokens: "hidden w-16 shrink-0 px-1 text-right tabular-nums @[34rem]:block",
  cost: "hidden w-18 shrink-0 px-1 text-right tabular-nums @[40rem]:block",
  waterfall: "relative ml-2 hidden h-full w-[33%] shrink-0 @sm:block",
} as const;
