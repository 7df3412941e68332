"""NAS-Bench-BERT: 500 encoders fine-tuned on GLUE, as three networks that hide under one name."""

from benchmarks.nasbench_bert.space import NasbenchBert as NasbenchBert
from benchmarks.nasbench_bert.truth import SOURCES as SOURCES
