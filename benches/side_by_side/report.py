"""The table of figures and bounds."""


class Report:
    """The table, and whether every bound in it holds."""

    def __init__(self):
        self.missed = []

    def figure(self, name, measured):
        print(f"  {name:<46} {measured.wall * 1000:>10,.0f} ms {measured.cpu * 1000:>10,.0f} ms cpu "
              f"{measured.memory / 1e6:>8,.1f} MB", flush=True)

    def bound(self, what, value, limit, unit=""):
        holds = value <= limit
        print(f"  {'holds ' if holds else 'MISSED'} {what}: {value:,.4g}{unit}, at most {limit:,.4g}{unit}", flush=True)
        if not holds:
            self.missed.append(what)

    def share(self, what, ours, theirs, parts):
        """Ours is at most one part in so many of theirs."""
        factor = theirs / ours
        holds = factor >= parts
        print(f"  {'holds ' if holds else 'MISSED'} {what}: 1/{factor:,.1f}, at most 1/{parts}", flush=True)
        if not holds:
            self.missed.append(what)
