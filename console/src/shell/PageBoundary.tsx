import { Button } from "@carbon/react";
import { Component, type ReactNode } from "react";
import { Page } from "../kit/Page";
import { Problem } from "../kit/Problem";
import { isMissingPart, reloadOnce } from "./staleBuild";

interface State {
  error: Error | null;
}

/** Holds back what breaks on a page: the header stays, and the page says so. Given the address as its key, it mends itself. */
export class PageBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override componentDidCatch(error: Error): void {
    if (isMissingPart(error)) reloadOnce();
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Page title="This page broke">
        <Problem error={error} title="Something went wrong here" />
        <Button onClick={() => location.reload()}>Load it again</Button>
      </Page>
    );
  }
}
