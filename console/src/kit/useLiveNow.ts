import { useEffect, useState } from "react";
import { serverNow } from "../api/clock";

/** The server's time in milliseconds, drawn again every second while that matters. */
export function useLiveNow(live: boolean): number {
  const [, draw] = useState(0);
  useEffect(() => {
    if (!live) return;
    const timer = setInterval(() => draw((count) => count + 1), 1_000);
    return () => clearInterval(timer);
  }, [live]);
  return serverNow();
}
