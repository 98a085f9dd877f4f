import { useEffect, useRef } from "react";

/** Takes the focus when its step opens, so that a keyboard or a screen reader goes on from there. */
export function StepHeading({ children, focus }: { children: string; focus: () => boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (focus()) heading.current?.focus();
  }, []);
  return (
    <h2 ref={heading} tabIndex={-1} className="step-title">
      {children}
    </h2>
  );
}
