import { HeaderGlobalAction } from "@carbon/react";
import type { ReactNode } from "react";
import type { PanelProps } from "./Shell";

interface DrawerProps extends PanelProps {
  /** What the button says, which may hold a number. */
  label: string;
  title: string;
  icon: ReactNode;
  last?: boolean;
  children: ReactNode;
}

/** A button of the header, and what it opens below the header at the side. */
export function Drawer({ label, title, icon, last = false, open, toggle, children }: DrawerProps) {
  return (
    <>
      <HeaderGlobalAction
        aria-label={label}
        aria-expanded={open}
        isActive={open}
        onClick={toggle}
        {...(last ? { tooltipAlignment: "end" } : {})}
      >
        {icon}
      </HeaderGlobalAction>
      {open && (
        <section className="drawer" aria-label={title}>
          <h2>{title}</h2>
          {children}
        </section>
      )}
    </>
  );
}
