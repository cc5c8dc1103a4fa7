from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc_server.identity.masking import mask_name, mask_phone


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("张三", "张*"),
        ("李小红", "李*"),
        ("欧阳修", "欧阳*"),
        ("中山市明华贸易有限公司", "中山市*****有限公司"),
        ("中山市某某股份有限公司", "中山市*****股份有限公司"),
        ("华艺包装材料厂", "华*****"),
        ("广州市某某会计师事务所", "广州市*****事务所"),
        ("Alice Smith", "A*"),
        ("  王五 ", "王*"),
        ("", "*"),
    ],
)
def test_names(name: str, shown: str) -> None:
    assert mask_name(name) == shown


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13412343624", "134****3624"),
        ("+86 134-1234-3624", "134****3624"),
        ("0760-88881234", "***"),
        ("not a number", "***"),
        ("", "***"),
    ],
)
def test_phones(phone: str, shown: str) -> None:
    assert mask_phone(phone) == shown


@given(st.text(min_size=3, max_size=40))
def test_a_masked_name_never_holds_the_name(name: str) -> None:
    stripped = name.strip()
    shown = mask_name(name)
    assert "*" in shown
    if len(stripped) > 2:
        assert stripped not in shown.replace("*", "") or "*" in stripped
