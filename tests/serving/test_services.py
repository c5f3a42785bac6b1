"""What the services answer, through a real channel."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from proofsight.v1 import (
    explanations_pb2,
    explanations_pb2_grpc,
    facts_pb2,
    facts_pb2_grpc,
    image_pb2,
    knowledge_bases_pb2,
    knowledge_bases_pb2_grpc,
    proof_pb2,
)
from proofsight_server.vision.dataset import open_dataset

from .conftest import KB


@pytest.fixture
def explanations(channel: grpc.Channel) -> explanations_pb2_grpc.ExplanationsStub:
    return explanations_pb2_grpc.ExplanationsStub(channel)


@pytest.fixture
def bases(channel: grpc.Channel) -> knowledge_bases_pb2_grpc.KnowledgeBasesStub:
    return knowledge_bases_pb2_grpc.KnowledgeBasesStub(channel)


def pixels(index: int) -> image_pb2.Image:
    array = np.asarray(open_dataset("digits").test.images[index])
    return image_pb2.Image(
        tensor=image_pb2.Tensor(
            data_type=image_pb2.DATA_TYPE_UINT8, shape=array.shape, data=array.tobytes()
        )
    )


def test_a_png_and_its_pixels_give_the_same_facts(
    channel: grpc.Channel, facts: facts_pb2.ImageFacts
) -> None:
    request = facts_pb2.TranslateImageRequest(name=KB, image=pixels(0), with_regions=True)
    same = facts_pb2_grpc.FactsStub(channel).TranslateImage(request).facts
    assert len(same.regions) == len(same.values)
    for region in same.regions:
        assert 0 <= region.left < region.right <= 1
        assert 0 <= region.top < region.bottom <= 1
    del same.regions[:]
    assert same == facts


def test_image_and_facts_are_explained_alike(
    explanations: explanations_pb2_grpc.ExplanationsStub,
    facts: facts_pb2.ImageFacts,
    png: bytes,
) -> None:
    by_facts = explanations.Explain(
        explanations_pb2.ExplainRequest(
            name=KB, subject=explanations_pb2.Subject(facts=facts), with_facts=True
        )
    )
    by_image = explanations.Explain(
        explanations_pb2.ExplainRequest(
            name=KB,
            subject=explanations_pb2.Subject(image=image_pb2.Image(encoded=png)),
            with_facts=True,
        )
    )
    assert by_facts == by_image
    assert by_facts.facts == facts
    assert by_facts.revision == f"{KB}/revisions/1"
    root = by_facts.proof.nodes[by_facts.proof.root]
    assert (root.kind, root.class_name) == (
        proof_pb2.GOAL_KIND_DECISION,
        by_facts.decision.class_name,
    )


def test_evidence_agrees_with_the_facts(
    explanations: explanations_pb2_grpc.ExplanationsStub, facts: facts_pb2.ImageFacts
) -> None:
    values = dict(zip(facts.propositions, facts.values, strict=True))
    answer = explanations.Explain(
        explanations_pb2.ExplainRequest(name=KB, subject=explanations_pb2.Subject(facts=facts))
    )
    evidence = [node for node in answer.proof.nodes if node.HasField("evidence")]
    assert evidence
    for node in evidence:
        seen = node.evidence
        assert seen.value == values[seen.proposition]
        assert (seen.value > seen.threshold) == (node.status == proof_pb2.PROOF_STATUS_FACT)
        assert seen.margin == pytest.approx(seen.value - seen.threshold, rel=1e-5, abs=1e-7)


def test_the_decision_holds_and_every_other_class_is_refuted(
    explanations: explanations_pb2_grpc.ExplanationsStub,
    bases: knowledge_bases_pb2_grpc.KnowledgeBasesStub,
    facts: facts_pb2.ImageFacts,
) -> None:
    subject = explanations_pb2.Subject(facts=facts)
    decided = explanations.Classify(
        explanations_pb2.ClassifyRequest(name=KB, subject=subject)
    ).decision.class_name
    for name in bases.GetRevision(knowledge_bases_pb2.GetRevisionRequest(name=KB)).classes:
        answer = explanations.Explain(
            explanations_pb2.ExplainRequest(name=KB, subject=subject, class_name=name)
        )
        assert answer.decision.class_name == decided
        assert answer.holds == (name == decided)
        root = answer.proof.nodes[answer.proof.root]
        expected = "PROVED" if answer.holds else "ABSENT"
        assert proof_pb2.ProofStatus.Name(root.status) == f"PROOF_STATUS_{expected}"
        assert root.children


def test_classify_gives_the_networks_and_the_programs_decision(
    explanations: explanations_pb2_grpc.ExplanationsStub,
) -> None:
    answer = explanations.Classify(
        explanations_pb2.ClassifyRequest(name=KB, subject=explanations_pb2.Subject(image=pixels(3)))
    )
    probabilities = [p.probability for p in answer.predictions]
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1, abs=1e-4)
    assert answer.decision.class_name
    assert answer.decision.rule or answer.decision.by_default


def test_a_query_streams_solutions_and_a_summary(
    explanations: explanations_pb2_grpc.ExplanationsStub, facts: facts_pb2.ImageFacts
) -> None:
    answers = list(
        explanations.Query(
            explanations_pb2.QueryRequest(
                name=KB,
                subject=explanations_pb2.Subject(facts=facts),
                goal="active(Image, P), value(Image, P, V)",
                max_solutions=3,
                with_proofs=True,
            )
        )
    )
    solutions, summary = answers[:-1], answers[-1].summary
    assert len(solutions) == summary.solutions == 3
    assert summary.more
    values = dict(zip(facts.propositions, facts.values, strict=True))
    for answer in solutions:
        bound = {b.variable: b.value for b in answer.solution.bindings}
        assert float(bound["V"]) == values[bound["P"]]
        assert answer.solution.proof.nodes


def test_a_query_may_need_no_image(
    explanations: explanations_pb2_grpc.ExplanationsStub,
) -> None:
    request = explanations_pb2.QueryRequest(name=KB, goal="proposition(P, _, T), T > 0")
    answers = list(explanations.Query(request))
    assert answers[-1].summary.solutions == len(answers) - 1 > 0


def test_a_stream_answers_in_order_and_goes_on_after_an_error(channel: grpc.Channel) -> None:
    images = [pixels(0), image_pb2.Image(encoded=b"no"), pixels(1)]
    requests = [
        facts_pb2.TranslateImagesRequest(
            name=KB if number == 0 else "", request_id=str(number), image=image
        )
        for number, image in enumerate(images)
    ]
    answers = list(facts_pb2_grpc.FactsStub(channel).TranslateImages(iter(requests)))
    assert [answer.request_id for answer in answers] == ["0", "1", "2"]
    assert [answer.error.reason for answer in answers] == ["", "BAD_IMAGE", ""]
    assert [len(answer.facts) for answer in answers] == [1, 0, 1]


def test_a_batch_of_tensors_gives_each_image_its_facts(channel: grpc.Channel) -> None:
    arrays = np.stack([np.asarray(open_dataset("digits").test.images[n]) for n in range(5)])
    stub = facts_pb2_grpc.FactsStub(channel)
    image = image_pb2.Image(
        tensor=image_pb2.Tensor(
            data_type=image_pb2.DATA_TYPE_UINT8, shape=arrays.shape, data=arrays.tobytes()
        )
    )
    (answer,) = stub.TranslateImages(iter([facts_pb2.TranslateImagesRequest(name=KB, image=image)]))
    singles = [
        stub.TranslateImage(facts_pb2.TranslateImageRequest(name=KB, image=pixels(n))).facts
        for n in range(5)
    ]
    for one, alone in zip(answer.facts, singles, strict=True):
        np.testing.assert_allclose(one.values, alone.values, rtol=1e-4, atol=1e-5)


def test_lists_and_rules_tell_what_there_is(
    bases: knowledge_bases_pb2_grpc.KnowledgeBasesStub,
) -> None:
    (base,) = bases.ListKnowledgeBases(
        knowledge_bases_pb2.ListKnowledgeBasesRequest()
    ).knowledge_bases
    assert base.name == KB
    assert base.ready
    assert list(base.revisions) == [1]
    revision = bases.GetRevision(knowledge_bases_pb2.GetRevisionRequest(name=KB))
    assert revision.figures["test"]["fidelity"] > 0.5
    rules, token = [], ""
    while True:
        answer = bases.ListRules(
            knowledge_bases_pb2.ListRulesRequest(parent=KB, page_size=4, page_token=token)
        )
        rules += answer.rules
        token = answer.next_page_token
        if not token:
            break
    assert len(rules) == revision.rule_count
    assert all(rule.rule_id in rule.text for rule in rules)
    of_one = bases.ListRules(
        knowledge_bases_pb2.ListRulesRequest(parent=KB, class_name="digit_3")
    ).rules
    assert {rule.class_name for rule in of_one} == {"digit_3"}


def test_exported_files_pass_the_check_and_a_broken_one_does_not(
    bases: knowledge_bases_pb2_grpc.KnowledgeBasesStub,
) -> None:
    files = bases.ExportProgram(knowledge_bases_pb2.ExportProgramRequest(name=KB)).files
    rules = next(file.text for file in files if file.path == "rules.pl")
    checked = bases.CheckProgram(
        knowledge_bases_pb2.CheckProgramRequest(
            name=KB, files=[knowledge_bases_pb2.ProgramFile(path="rules.pl", text=rules)]
        )
    )
    assert checked.ok
    broken = bases.CheckProgram(
        knowledge_bases_pb2.CheckProgramRequest(
            name=KB,
            files=[knowledge_bases_pb2.ProgramFile(path="rules.pl", text=f"{rules}\nclass(I, .\n")],
        )
    )
    assert not broken.ok
    assert broken.findings[0].code == "syntax_error"
    assert broken.findings[0].line > rules.count("\n")


def test_health_and_reflection_tell_the_services(channel: grpc.Channel) -> None:
    health: Any = health_pb2_grpc.HealthStub(channel)
    for service in ("", "proofsight.v1.Explanations", "proofsight.v1.Facts"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    reflection: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    (answer,) = reflection.ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    )
    names = {service.name for service in answer.list_services_response.service}
    assert "proofsight.v1.KnowledgeBases" in names
    assert "grpc.health.v1.Health" in names
