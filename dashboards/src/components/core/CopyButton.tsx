import { Check, Copy } from "lucide-react";
import { useCopy } from "@/lib/useCopy";
import { IconButton, type IconButtonProps } from "./IconButton";

type CopyButtonProps = Omit<IconButtonProps, "onClick" | "children" | "label"> & {
  text: string;
  label?: string;
};

export function CopyButton({ text, label = "Copy", size = "icon-sm", ...rest }: CopyButtonProps) {
  const { copied, copy } = useCopy();
  return (
    <IconButton
      label={copied ? "Copied" : label}
      size={size}
      onClick={(event) => {
        event.stopPropagation();
        void copy(text);
      }}
      {...rest}
    >
      {copied ? <Check className="text-success" /> : <Copy />}
    </IconButton>
  );
}
