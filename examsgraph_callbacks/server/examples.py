"""The examples of the product's document, by the last part of their paths."""

from pydantic import JsonValue

__all__ = ["BODIES", "RESULTS"]

BODIES: dict[str, dict[str, JsonValue]] = {
    "trace-graph-exploration": {
        "a path whose third hop is strange": {
            "question_id": "q_001",
            "wrong_concept": "데이터베이스 정규화",
            "graph_path": [
                {"node": "정규화", "relation": "포함", "next_node": "제1정규형", "similarity_score": 0.92},
                {"node": "제1정규형", "relation": "해결", "next_node": "이상현상", "similarity_score": 0.85},
                {"node": "이상현상", "relation": "관련", "next_node": "SQL 문법", "similarity_score": 0.45},
            ],
            "retrieval_params": {"depth": 3, "similarity_threshold": 0.7, "max_hops": 5},
            "final_explanation": "정규화는 데이터 중복을 제거하고...",
        },
    },
    "compare-prompts": {
        "three tones": {
            "question_id": "q_002",
            "user_answer": "제3정규형",
            "correct_answer": "제2정규형",
            "prompt_variants": {
                "v1_strict": "당신은 엄격한 교수입니다. 학생이 틀렸을 때 명확히 지적하세요.",
                "v2_friendly": "당신은 친절한 코치입니다. 학생의 노력을 인정하면서 부드럽게 설명하세요.",
                "v3_encouraging": "당신은 격려형 멘토입니다. 실수를 긍정적으로 받아들이게 하세요.",
            },
            "generated_responses": {
                "v1_strict": "틀렸습니다. 제2정규형이 정답입니다. 부분 함수 종속성을 제거해야 합니다.",
                "v2_friendly": "아쉽네요! 거의 다 왔어요. 제2정규형에서는 부분 함수 종속성을 제거합니다.",
                "v3_encouraging": "좋은 시도였어요! 정규화 과정을 이해하고 계시네요. "
                "제2정규형을 한번 더 복습해볼까요?",
            },
        },
    },
    "log-user-feedback": {
        "not understood": {
            "session_id": "session_123",
            "question_id": "q_003",
            "ai_explanation": "정규화의 목적은 데이터 중복을 제거하고...",
            "feedback_type": "thumbs_down",
            "followup_text": "무슨 말인지 더 쉽게 설명해줘",
            "understanding_score": 2,
        },
    },
    "log-llm-cost": {
        "a greeting": {
            "task_type": "simple_greeting",
            "model_name": "gpt-4o-mini",
            "input_tokens": 15,
            "output_tokens": 30,
            "estimated_cost": 0.0001,
            "latency_ms": 450,
            "response_quality": "good",
        },
        "a hard question": {
            "task_type": "complex_reasoning",
            "model_name": "gpt-4o",
            "input_tokens": 1500,
            "output_tokens": 800,
            "estimated_cost": 0.05,
            "latency_ms": 3200,
            "response_quality": "excellent",
        },
    },
}

RESULTS: dict[str, JsonValue] = {
    "report": {
        "data": {"event_id": "5f0c6a1e2b7d4c3f9a8e1d2c3b4a5f60"},
        "generated_at": "2025-01-15T10:30:00+00:00",
    },
    "top-failed-concepts": {
        "data": [
            {"concept": "정규화", "failure_count": 42},
            {"concept": "이상현상", "failure_count": 35},
            {"concept": "함수 종속성", "failure_count": 28},
            {"concept": "BCNF", "failure_count": 20},
            {"concept": "조인", "failure_count": 15},
        ],
        "unattributed": 0,
        "generated_at": "2025-01-15T10:30:00+00:00",
    },
    "average-cost": {
        "data": {
            "average_cost_usd": 0.75,
            "average_cost_krw": 975,
            "user_id": "user_001",
            "users": 1,
            "months": 1,
            "calls": 312,
            "unpriced_share": 0,
            "estimated_share": 0,
        },
        "generated_at": "2025-01-15T11:00:00+00:00",
    },
}
