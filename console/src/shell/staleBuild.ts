const KEPT = "gristmill-reloaded-at";
const ONCE_MS = 60_000;

/** Whether an error says that a part of the console is gone, as after an upgrade under an open window. */
export const isMissingPart = (error: unknown) =>
  error instanceof Error && /dynamically imported module|module script|preload CSS/i.test(error.message);

/** Loads the page anew, but not again and again; tells whether it does. */
export function reloadOnce(): boolean {
  if (Date.now() - Number(sessionStorage.getItem(KEPT)) < ONCE_MS) return false;
  sessionStorage.setItem(KEPT, String(Date.now()));
  location.reload();
  return true;
}
