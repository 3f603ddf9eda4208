"""GreatFin: a bank's data platform, as pipelines that know only AWS."""
