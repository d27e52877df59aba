/** Figures as text, in the reader's language. An unknown figure is a dash, never a zero. */

const UNKNOWN = "–";
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

type Figure = number | null | undefined;

/** Formats figures and times for one language. */
export class Format {
  readonly #locale: string;
  readonly #whole: Intl.NumberFormat;
  readonly #tenth: Intl.NumberFormat;
  readonly #hundredth: Intl.NumberFormat;
  readonly #clock: Intl.DateTimeFormat;
  readonly #dateTime: Intl.DateTimeFormat;

  /**
   * @param locale Such as `en` or `zh-CN`
   * @param timeZone The reader's own if it is not given
   */
  constructor(locale: string, timeZone?: string) {
    this.#locale = locale;
    this.#whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
    this.#tenth = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
    this.#hundredth = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
    const clock = {
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
      ...(timeZone === undefined ? {} : { timeZone }),
    } as const;
    this.#clock = new Intl.DateTimeFormat(locale, clock);
    this.#dateTime = new Intl.DateTimeFormat(
      locale,
      {
        month: "short",
        day: "numeric",
        ...clock,
      } as const,
    );
  }

  /** A whole number with its thousands set apart. */
  count(value: Figure): string {
    return value === null || value === undefined ? UNKNOWN : this.#whole.format(value);
  }

  /** Something per second; below 10 with a decimal. */
  rate(value: Figure): string {
    return value === null || value === undefined ? UNKNOWN : `${this.#short(value)}/s`;
  }

  /** Bytes in units of 1,024. */
  bytes(value: Figure): string {
    if (value === null || value === undefined) return UNKNOWN;
    let scaled = value;
    let unit = 0;
    while (scaled >= 1024 && unit < BYTE_UNITS.length - 1) {
      scaled /= 1024;
      unit++;
    }
    return `${unit === 0 ? this.count(scaled) : this.#short(scaled)} ${BYTE_UNITS[unit]}`;
  }

  /** A latency given in milliseconds; three digits that count. */
  latency(ms: Figure): string {
    if (ms === null || ms === undefined) return UNKNOWN;
    if (ms >= SECOND_MS) return `${this.#short(ms / SECOND_MS)} s`;
    const digits = ms < 10 ? this.#hundredth : ms < 100 ? this.#tenth : this.#whole;
    return `${digits.format(ms)} ms`;
  }

  /** A span of time in its two largest units. */
  duration(ms: Figure): string {
    if (ms === null || ms === undefined) return UNKNOWN;
    const parts = (large: number, a: string, small: number, b: string) => {
      const whole = Math.floor(ms / large);
      const rest = Math.floor((ms % large) / small);
      return rest === 0 ? `${whole} ${a}` : `${whole} ${a} ${rest} ${b}`;
    };
    if (ms < SECOND_MS) return "< 1 s";
    if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
    if (ms < HOUR_MS) return parts(MINUTE_MS, "min", SECOND_MS, "s");
    if (ms < DAY_MS) return parts(HOUR_MS, "h", MINUTE_MS, "min");
    return parts(DAY_MS, "d", HOUR_MS, "h");
  }

  /** A share of 1; below a tenth with a decimal. */
  percent(share: Figure): string {
    return share === null || share === undefined ? UNKNOWN : `${this.#short(share * 100)} %`;
  }

  /** Time of day, to the second. */
  clock(at: Figure): string {
    return at === null || at === undefined ? UNKNOWN : this.#clock.format(at);
  }

  /** Day and time, for what may be older than today. */
  dateTime(at: Figure): string {
    return at === null || at === undefined ? UNKNOWN : this.#dateTime.format(at);
  }

  get locale(): string {
    return this.#locale;
  }

  #short(value: number): string {
    return (Math.abs(value) < 10 ? this.#tenth : this.#whole).format(value);
  }
}
