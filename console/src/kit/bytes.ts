const UNITS = ["B", "KB", "MB", "GB", "TB", "PB"];

/** "3.1 GB": by thousands, as disks are sold. */
export function bytes(size: number): string {
  const unit = Math.min(Math.max(Math.floor(Math.log10(Math.max(size, 1)) / 3), 0), UNITS.length - 1);
  const number = size / 1000 ** unit;
  return `${number.toLocaleString("en", { maximumFractionDigits: number < 10 && unit > 0 ? 1 : 0 })} ${UNITS[unit]}`;
}
