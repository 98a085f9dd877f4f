const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

export const count = (number: number) => number.toLocaleString("en");

/** "1 job", "3 jobs", "1,204 rows". */
export const counted = (number: number, word: string) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

/** "812 bytes", "4.2 MB": decimal units, as disks and downloads count. */
export function bytes(size: number): string {
  const power = size < 1000 ? 0 : Math.min(Math.floor(Math.log10(size) / 3), UNITS.length - 1);
  const value = size / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`;
}

/** An identifier of the API in words. */
export const words = (name: string) => name.replaceAll("_", " ");

/** A sentence begins with a capital. */
export const capital = (text: string) => `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}`;
