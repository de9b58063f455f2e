"""A line chart with two logarithmic axes, as SVG that is legible on light and dark ground."""

import html
import math

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 150, 50, 50
COLOURS = ["#0a7d6c", "#b35c00", "#6a5acd", "#b3261e"]


def rates(title, across, series):
    """`series`: name → [(how many, per second)]."""
    all_points = [point for points in series.values() for point in points]
    x_low = math.floor(math.log10(min(x for x, _ in all_points)))
    x_high = math.ceil(math.log10(max(x for x, _ in all_points)))
    y_low = math.floor(math.log10(min(y for _, y in all_points)))
    y_high = math.ceil(math.log10(max(y for _, y in all_points)))

    def place(x, y):
        share_x = (math.log10(x) - x_low) / max(1, x_high - x_low)
        share_y = (math.log10(y) - y_low) / max(1, y_high - y_low)
        return LEFT + share_x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - share_y * (HEIGHT - TOP - BOTTOM)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13" role="img">',
        f"<title>{html.escape(title)}</title>",
        "<style>text{fill:#222}.grid{stroke:#bbb}@media(prefers-color-scheme:dark){text{fill:#ddd}.grid{stroke:#555}}</style>",
        f'<text x="{LEFT}" y="24" font-size="15">{html.escape(title)}</text>',
    ]
    for power in range(y_low, y_high + 1):
        _, y = place(10**x_low, 10**power)
        out.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10**power:,}</text>')
    for power in range(x_low, x_high + 1):
        x, _ = place(10**power, 10**y_low)
        out.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{10**power:,}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{html.escape(across)}</text>')
    for colour, (name, points) in zip(COLOURS, series.items()):
        places = [place(x, y) for x, y in sorted(points)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2.5" points="{line}"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in places]
        out.append(f'<text x="{places[-1][0] + 10:.1f}" y="{places[-1][1] + 4:.1f}">{html.escape(name)}</text>')
    out.append("</svg>\n")
    return "\n".join(out)
