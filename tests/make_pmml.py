"""Small PMML documents of several kinds of model, in the structure that the Data Mining Group publishes."""

from __future__ import annotations

_HEAD = '<?xml version="1.0"?>\n<PMML version="4.3" xmlns="http://www.dmg.org/PMML-4_3"><Header/>'
_PEOPLE = """<DataDictionary numberOfFields="4">
  <DataField name="age" optype="continuous" dataType="double"/>
  <DataField name="sex" optype="categorical" dataType="string">
    <Value value="M"/><Value value="F"/><Value value="?" property="missing"/>
  </DataField>
  <DataField name="visits" optype="continuous" dataType="integer"/>
  <DataField name="drug" optype="categorical" dataType="string"><Value value="A"/><Value value="B"/></DataField>
</DataDictionary>"""
_NUMBERS = """<DataDictionary numberOfFields="3">
  <DataField name="a" optype="continuous" dataType="double"/>
  <DataField name="b" optype="continuous" dataType="double"/>
  <DataField name="y" optype="continuous" dataType="double"/>
</DataDictionary>"""
_NUMBERS_MINED = """<MiningSchema>
  <MiningField name="a" missingValueReplacement="1"/><MiningField name="b"/>
  <MiningField name="y" usageType="target"/>
</MiningSchema>"""
_PEOPLE_MINED = """<MiningSchema>
  <MiningField name="age" missingValueReplacement="40"/><MiningField name="sex"/><MiningField name="visits"/>
  <MiningField name="drug" usageType="target"/>
</MiningSchema>"""
OWN_OUTPUT = """<Output>
  <OutputField name="$R-drug" optype="categorical" dataType="string" feature="predictedValue"/>
  <OutputField name="$RC-drug" optype="continuous" dataType="double" feature="probability"/>
  <OutputField name="$RP-A" optype="continuous" dataType="double" feature="probability" value="A"/>
</Output>"""


def regression(interval: str = "") -> str:
    """y = 1 + 2 a - 0.5 b, where a missing a is 1; b may be bound to an interval."""
    bound = f'name="b" optype="continuous" dataType="double">{interval}</DataField>'
    numbers = _NUMBERS.replace('name="b" optype="continuous" dataType="double"/>', bound)
    return f"""{_HEAD}{numbers}<RegressionModel functionName="regression">{_NUMBERS_MINED}
<RegressionTable intercept="1">
  <NumericPredictor name="a" coefficient="2"/><NumericPredictor name="b" coefficient="-0.5"/>
</RegressionTable></RegressionModel></PMML>"""


def classification(output: str = "") -> str:
    """Softmax of 1 + 0.02 age - 0.5 for men (A), and 2 (B)."""
    return f"""{_HEAD}{_PEOPLE}<RegressionModel functionName="classification" normalizationMethod="softmax">
{_PEOPLE_MINED}{output}
<RegressionTable targetCategory="A" intercept="1">
  <NumericPredictor name="age" coefficient="0.02"/><CategoricalPredictor name="sex" value="M" coefficient="-0.5"/>
</RegressionTable>
<RegressionTable targetCategory="B" intercept="2"/></RegressionModel></PMML>"""


def tree(strategy: str = "none") -> str:
    """A for those below 40, B for others; a missing age by the strategy, whose default child is B's."""
    return f"""{_HEAD}{_PEOPLE}<TreeModel functionName="classification" missingValueStrategy="{strategy}">
<MiningSchema><MiningField name="age"/><MiningField name="drug" usageType="target"/></MiningSchema>
<Node id="0" score="A" recordCount="10" defaultChild="2"><True/>
  <ScoreDistribution value="A" recordCount="6"/><ScoreDistribution value="B" recordCount="4"/>
  <Node id="1" score="A" recordCount="5"><SimplePredicate field="age" operator="lessThan" value="40"/>
    <ScoreDistribution value="A" recordCount="4"/><ScoreDistribution value="B" recordCount="1"/></Node>
  <Node id="2" score="B" recordCount="5"><SimplePredicate field="age" operator="greaterOrEqual" value="40"/>
    <ScoreDistribution value="A" recordCount="1"/><ScoreDistribution value="B" recordCount="4"/></Node>
</Node></TreeModel></PMML>"""


def wide_tree(leaves: int) -> str:
    """One split into so many leaves, which makes a model of any size."""
    nodes = "".join(
        f'<Node id="{leaf}" score="{leaf}"><SimplePredicate field="a" operator="lessThan" value="{leaf}"/></Node>'
        for leaf in range(1, leaves + 1)
    )
    return f"""{_HEAD}{_NUMBERS}<TreeModel functionName="regression" splitCharacteristic="multiSplit">
<MiningSchema><MiningField name="a"/><MiningField name="y" usageType="target"/></MiningSchema>
<Node id="0" score="0"><True/>{nodes}</Node></TreeModel></PMML>"""


def forest() -> str:
    """The mean of two trees, each with a split of its own."""
    segments = "".join(_regression_tree(field, low=low, high=high) for field, low, high in (("a", 1, 3), ("b", 5, 9)))
    return f"""{_HEAD}{_NUMBERS}<MiningModel functionName="regression">{_NUMBERS_MINED}
<Output><OutputField name="estimate" optype="continuous" dataType="double" feature="predictedValue"/></Output>
<Segmentation multipleModelMethod="average">{segments}</Segmentation></MiningModel></PMML>"""


def _regression_tree(field: str, *, low: int, high: int) -> str:
    return f"""<Segment><True/><TreeModel functionName="regression" splitCharacteristic="binarySplit">
<MiningSchema><MiningField name="{field}"/></MiningSchema><Node score="{low}"><True/>
<Node score="{low}"><SimplePredicate field="{field}" operator="lessThan" value="2"/></Node>
<Node score="{high}"><SimplePredicate field="{field}" operator="greaterOrEqual" value="2"/></Node>
</Node></TreeModel></Segment>"""


def scorecard() -> str:
    """10, with 5 more from the age of 40 on; reason codes are asked for."""
    return f"""{_HEAD}{_NUMBERS.replace('"a"', '"age"')}
<Scorecard functionName="regression" initialScore="10" useReasonCodes="true" reasonCodeAlgorithm="pointsBelow"
  baselineMethod="max">
<MiningSchema><MiningField name="age"/><MiningField name="y" usageType="target"/></MiningSchema>
<Output>
  <OutputField name="score" feature="predictedValue" dataType="double" optype="continuous"/>
  <OutputField name="reason" feature="reasonCode" rank="1" dataType="string" optype="categorical"/>
</Output>
<Characteristics><Characteristic name="by age" reasonCode="young" baselineScore="5">
  <Attribute partialScore="0"><SimplePredicate field="age" operator="lessThan" value="40"/></Attribute>
  <Attribute partialScore="5"><SimplePredicate field="age" operator="greaterOrEqual" value="40"/></Attribute>
</Characteristic></Characteristics></Scorecard></PMML>"""
