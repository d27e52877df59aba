/** The frame of a wide table: scrolls sideways by itself, by keyboard too, so that the page never does. */
import type { ComponentChildren } from "preact";

export interface TableFrameProps {
  readonly label: string;
  readonly children: ComponentChildren;
}

export function TableFrame({ label, children }: TableFrameProps) {
  return (
    <div class="table-frame" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
