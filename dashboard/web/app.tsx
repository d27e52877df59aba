/** The frame around every page: header, navigation, what is wrong with the connection, the page. */
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { AccessButton, AccessDialog } from "./actions/access_dialog.tsx";
import { ActionDialog } from "./actions/action_dialog.tsx";
import { cluster, format, liveStatus, messages, retryNow, route } from "./page_state.ts";
import { KeysPage } from "./pages/keys.tsx";
import { MigrationsPage } from "./pages/migrations.tsx";
import { NodesPage } from "./pages/nodes.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { ShardsPage } from "./pages/shards.tsx";
import { TopologyPage } from "./pages/topology.tsx";
import { HealthBadge } from "./parts/badges.tsx";
import { Announcer } from "./parts/announcer.tsx";
import { Icon } from "./parts/icon.tsx";
import { LanguageChoice, ThemeChoice } from "./parts/preference_choices.tsx";
import { formatRoute, PAGE_NAMES, type PageName } from "./route.ts";

const pages: Readonly<Record<PageName, ComponentType>> = {
  overview: OverviewPage,
  topology: TopologyPage,
  shards: ShardsPage,
  migrations: MigrationsPage,
  nodes: NodesPage,
  keys: KeysPage,
};

export function App() {
  return (
    <div class={liveStatus.value.kind === "stale" ? "frame stale" : "frame"}>
      <SkipLink />
      <Header />
      <div class="columns">
        <Navigation />
        <div>
          <StaleBanner />
          <Content />
        </div>
      </div>
      <Announcer />
      <AccessDialog />
      <ActionDialog />
    </div>
  );
}

/** A link to `#main` would be taken for a page's address. */
function SkipLink() {
  const skip = (event: Event) => {
    event.preventDefault();
    document.getElementById("main")?.focus();
  };
  return <a class="skip" href="#main" onClick={skip}>{messages.value.skip}</a>;
}

function Header() {
  const overview = cluster.overview.value;
  return (
    <header>
      <a class="brand" href="#/overview">
        <img src="/favicon.svg" alt="" width="24" height="24" />
        {messages.value.title}
      </a>
      {overview && <HealthBadge health={overview.health} />}
      <LiveBadge />
      <div class="header-end">
        <AccessButton />
        <LanguageChoice />
        <ThemeChoice />
      </div>
    </header>
  );
}

function LiveBadge() {
  const { live } = messages.value;
  const status = liveStatus.value;
  const text = () => {
    switch (status.kind) {
      case "connecting":
        return live.connecting;
      case "live":
        return live.live(format.value.clock(cluster.updatedAt.value));
      case "stale":
        return live.stale(format.value.clock(status.since));
      case "paused":
        return live.paused;
    }
  };
  return (
    <span class={`live live-${status.kind}`}>
      <span class="live-dot" aria-hidden="true" />
      {text()}
    </span>
  );
}

function Navigation() {
  const words = messages.value;
  const current = route.value.page;
  return (
    <nav aria-label={words.navigation}>
      {PAGE_NAMES.map((page) => (
        <a
          key={page}
          href={formatRoute({ page, params: {} })}
          aria-current={page === current ? "page" : undefined}
        >
          <Icon name={page} />
          {words.pages[page]}
        </a>
      ))}
    </nav>
  );
}

function StaleBanner() {
  const status = liveStatus.value;
  if (status.kind !== "stale") return null;
  const { live } = messages.value;
  return (
    <div class="banner" role="alert">
      <Icon name="warning" />
      <p>
        <strong>{live.stale(format.value.clock(status.since))}.</strong> {live.staleWhy}
      </p>
      <button type="button" onClick={retryNow}>{live.retry}</button>
    </div>
  );
}

function Content() {
  const { page } = route.value;
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  useEffect(() => {
    // Readers who hear the page are told that it has changed; the first page is read anyway.
    if (!first.current) heading.current?.focus();
    first.current = false;
  }, [page]);
  const Page = pages[page];
  return (
    <main id="main" tabIndex={-1}>
      <h1 ref={heading} tabIndex={-1}>{messages.value.pages[page]}</h1>
      {cluster.overview.value === null && page !== "keys"
        ? <p class="waiting">{messages.value.live.loading}…</p>
        : <Page />}
    </main>
  );
}
