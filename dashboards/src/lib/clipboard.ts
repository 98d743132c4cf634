/**
 * Writes text to the clipboard and says whether it worked. The modern interface exists only on https and localhost;
 * a Brokle on a plain http address in a private network still has to copy a key, so the old command stays as a way out.
 */
export async function writeClipboard(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // Permission refused: try the old way.
  }
  return copyThroughSelection(text);
}

function copyThroughSelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("readonly", "");
  area.style.position = "fixed";
  area.style.opacity = "0";
  // A dialog traps focus: the text area has to live inside it to be selectable.
  const host = document.activeElement?.closest("[role=dialog],[role=alertdialog]") ?? document.body;
  host.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
