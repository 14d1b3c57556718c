declare module 'parse-prometheus-text-format' {
  export interface Family {
    name: string;
    metrics: { labels?: Record<string, string>; value: string }[];
  }
  export default function parse(text: string): Family[];
}
