"""Ensembles: several proxies' scores -> one; one file each, found by themselves."""

from harness.ensembles.base import ENSEMBLES as ENSEMBLES
from harness.ensembles.base import Ensemble as Ensemble
from harness.ensembles.base import Known as Known
