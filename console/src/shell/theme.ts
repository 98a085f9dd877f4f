import { useEffect, useState } from "react";

type Theme = "white" | "g100";

/** The key that public/theme.js reads before the first paint. */
const KEPT = "gristmill-theme";

/** The theme that public/theme.js set before the first paint, and what changes and keeps it. */
export function useTheme(): { theme: Theme; toggle: () => void } {
  const [theme, setTheme] = useState<Theme>(() =>
    document.documentElement.classList.contains("cds--g100") ? "g100" : "white",
  );
  useEffect(() => {
    document.documentElement.className = `cds--${theme}`;
  }, [theme]);
  const toggle = () => {
    const other = theme === "white" ? "g100" : "white";
    localStorage.setItem(KEPT, other);
    setTheme(other);
  };
  return { theme, toggle };
}
