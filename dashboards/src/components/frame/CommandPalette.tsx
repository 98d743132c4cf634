import { Command } from "cmdk";
import { Search } from "lucide-react";
import { Dialog } from "radix-ui";
import { useState } from "react";
import { useCommands } from "./useCommands";

const headingClasses =
  "[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-2xs [&_[cmdk-group-heading]]:text-faint-foreground";

/** Go to, find a trace by its id, switch project, change the theme: all from the keyboard. */
export function CommandPalette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const { groups, foundById } = useCommands(text);

  return (
    <Dialog.Root open onOpenChange={onClose}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-overlay" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed top-[14vh] left-1/2 z-50 w-[calc(100vw-2rem)] max-w-lg -translate-x-1/2 animate-in overflow-hidden rounded-md border border-border-strong bg-popover shadow-popover focus:outline-none"
        >
          <Dialog.Title className="sr-only">Search and commands</Dialog.Title>
          <Command label="Search and commands" shouldFilter={!foundById} loop>
            <div className="flex items-center gap-2.5 border-border border-b px-3">
              <Search aria-hidden className="size-4 shrink-0 text-faint-foreground" />
              <Command.Input
                value={text}
                onValueChange={setText}
                placeholder="Go to a page, or paste a trace id"
                className="h-11 w-full bg-transparent text-base outline-none placeholder:text-faint-foreground"
              />
            </div>
            <Command.List className="max-h-80 overflow-y-auto p-1.5">
              <Command.Empty className="px-2 py-6 text-center text-muted-foreground text-sm">
                Nothing matches “{text}”.
              </Command.Empty>
              {groups.map((group) => (
                <Command.Group key={group.heading} heading={group.heading} className={headingClasses}>
                  {group.commands.map(({ id, label, detail, icon: Icon, run }) => (
                    <Command.Item
                      key={id}
                      value={`${group.heading} ${label} ${detail ?? ""} ${id}`}
                      onSelect={() => {
                        onClose();
                        run();
                      }}
                      className="flex h-8 cursor-default select-none items-center gap-2.5 rounded-sm px-2 text-sm data-[selected=true]:bg-selected"
                    >
                      <Icon
                        aria-hidden
                        className="size-4 shrink-0 text-muted-foreground"
                        strokeWidth={1.75}
                      />
                      <span className="truncate">{label}</span>
                      {detail ? (
                        <span className="truncate text-muted-foreground text-xs">{detail}</span>
                      ) : null}
                    </Command.Item>
                  ))}
                </Command.Group>
              ))}
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
