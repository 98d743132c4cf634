/** Between moments and the value of `<input type="datetime-local">`, which has no zone and means local time. */

export function localInputValue(moment: Date): string {
  const pad = (value: number) => String(value).padStart(2, "0");
  const day = `${moment.getFullYear()}-${pad(moment.getMonth() + 1)}-${pad(moment.getDate())}`;
  return `${day}T${pad(moment.getHours())}:${pad(moment.getMinutes())}`;
}

export function momentOfLocalInput(value: string): Date | undefined {
  const moment = new Date(value);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}
