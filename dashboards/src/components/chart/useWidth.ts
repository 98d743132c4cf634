import { type RefObject, useEffect, useState } from "react";

const widthBeforeLayout = 800;

/** The width of an element, as the browser lays it out. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(widthBeforeLayout);
  // Follows the browser's layout of the element.
  useEffect(() => {
    const target = element.current;
    if (!target) return;
    const measure = () => {
      if (target.clientWidth > 0) setWidth(target.clientWidth);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  return width;
}
