"""Tables of people, needs and visits from files: without coordinates, without names."""

from __future__ import annotations

import pandas as pd
import pytest

from gridgeo.readers import check_file


@pytest.mark.parametrize(
    ("layer", "columns", "used"),
    [
        ("people", {"人员编号": ["a"], "身份": ["volunteer"], "服务种类": ["medical"], "姓名": ["某"]},
         {"person_id", "role", "kinds"}),
        ("visits", {"走访编号": ["a"], "走访日期": ["2026-10-03"], "住户编号": ["h"]},
         {"visit_id", "date", "household_id"}),
        ("needs", {"需求编号": ["a"], "需求类型": ["medical"], "联系电话": ["1"]}, {"need_id", "need_kind"}),
        ("zonings", {"部门": ["民政"], "街区编号": ["B1"], "分区编号": ["1"]}, {"zoning", "block_id", "zone_id"}),
    ],
)  # fmt: skip
def test_a_table_needs_no_coordinates_and_leaves_names_out(tmp_path, layer, columns, used):
    pd.DataFrame(columns).to_csv(tmp_path / "表.csv", index=False)
    found = check_file(tmp_path / "表.csv", layer=layer).findings
    assert found.faults == []
    assert set(found.mappings[layer].columns) == used


def test_faults_of_a_table_are_named_with_their_row(tmp_path):
    table = {"person_id": ["a", "a", "b"], "role": ["x", "x", None], "capacity": [1, -1, 2]}
    pd.DataFrame(table).to_csv(tmp_path / "people.csv", index=False)
    faults = check_file(tmp_path / "people.csv", layer="people").findings.faults
    assert {(fault.key, fault.row) for fault in faults} == {
        ("duplicate_id", 3), ("missing_value", 4), ("negative_value", 3),
    }  # fmt: skip
