/** The heights of rows, in pixels: virtual rows and skeletons must agree on them. */
export const rowHeight = 34;
export const compactRowHeight = 62;
