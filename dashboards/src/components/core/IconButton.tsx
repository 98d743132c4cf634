import { Button, type ButtonProps } from "./Button";
import { Tooltip } from "./Tooltip";

export type IconButtonProps = Omit<ButtonProps, "aria-label"> & {
  /** What the button does: its accessible name and its tooltip. */
  label: string;
  /** A keyboard shortcut to show beside the label. */
  shortcut?: string;
  side?: "top" | "right" | "bottom" | "left";
};

export function IconButton({
  label,
  shortcut,
  side,
  variant = "ghost",
  size = "icon",
  ...rest
}: IconButtonProps) {
  return (
    <Tooltip content={label} shortcut={shortcut} side={side}>
      <Button aria-label={label} variant={variant} size={size} {...rest} />
    </Tooltip>
  );
}
