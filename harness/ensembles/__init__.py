"""Ensembles: several proxies' scores -> one score; one file each, registered automatically."""

from harness.ensembles.base import ENSEMBLES as ENSEMBLES
from harness.ensembles.base import Ensemble as Ensemble
from harness.ensembles.base import Known as Known
