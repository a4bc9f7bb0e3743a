"""What is secret in a text becomes a placeholder of its kind; everything else stays as it is."""

import random
import re
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examsgraph_callbacks.capture import redact_text
from examsgraph_callbacks.capture.redaction import is_clean

# put together here, so that nobody's scanner takes them for real
OPENAI = "sk-" + "proj-" + "AbC1_dEf-" * 5 + "gH"
OLD_OPENAI = "sk-" + "aB3dE6gH9jK2mN5pQ8sT" * 2
ANTHROPIC = "sk-" + "ant-api03-" + "AbCdEfGhIj" * 9
AWS = "AKIA" + "IOSFODNN7EXAMPLE"
GOOGLE = "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q"
GITHUB = "ghp_" + "a1B2c3D4e5F6" * 3
GITHUB_FINE = "github_" + "pat_11ABCDEFG0" + "a1B2c3D4_" * 6
AWS_FOR_NOW = "ASIA" + "IOSFODNN7EXAMPLE"
GITLAB = "glpat-" + "aB3dE6gH9jK2mN5pQ8sT"
GROQ = "gsk_" + "aB3dE6gH9jK2mN5pQ8sT" * 2
HUGGING_FACE = "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"
LANGSMITH = "lsv2_" + "pt_0123456789abcdef0123456789abcdef_0123456789"
PERPLEXITY = "pplx-" + "a1B2c3D4" * 6
PINECONE = "pcsk_" + "a1B2c3_D4" * 6
TAVILY = "tvly-" + "dev-a1B2c3D4a1B2c3D4a1B2"
XAI = "xai-" + "a1B2c3D4" * 10
SLACK = "xoxb-" + "123456789012-" + "aBcDeFgHiJkL"
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiJraW0ifQ" + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        # e-mail addresses, with the particles that Korean puts right after them
        ("메일은 kim@example.com입니다", "메일은 [EMAIL]입니다"),
        ("메일은kim@example.com으로", "메일은[EMAIL]으로"),
        ("kim.min-ji+exam@mail.example.co.kr에게", "[EMAIL]에게"),
        ("(kim@example.com), <lee@example.org>.", "([EMAIL]), <[EMAIL]>."),
        ("KIM_1@EXAMPLE.COM", "[EMAIL]"),
        # phone numbers
        ("제 번호는 010-1234-5678이에요", "제 번호는 [PHONE]이에요"),
        ("01012345678로 전화", "[PHONE]로 전화"),
        ("010 1234 5678 / 010.1234.5678 / 010 - 1234 - 5678", "[PHONE] / [PHONE] / [PHONE]"),
        ("(010)1234-5678", "([PHONE]"),
        ("연락처-010-1234-5678", "연락처-[PHONE]"),
        ("011-234-5678", "[PHONE]"),
        ("02-123-4567, 02)123-4567, (02) 1234-5678", "[PHONE], [PHONE], ([PHONE]"),
        ("031-123-4567과 070-1234-5678과 0505-123-4567", "[PHONE]과 [PHONE]과 [PHONE]"),
        ("+82 10-1234-5678은", "[PHONE]은"),
        ("+82-10-1234-5678 +821012345678 +82 (0)10 1234 5678", "[PHONE] [PHONE] [PHONE]"),
        ("+1 (415) 555-0100, +44 20 7946 0958", "[PHONE], [PHONE]"),
        ("+33 6 12 34 56 78", "[PHONE]"),
        # registration numbers
        ("주민번호 850101-1234567이고", "주민번호 [RRN]이고"),
        ("주민번호는 010203-4123456", "주민번호는 [RRN]"),  # of 2001; and no phone number
        ("외국인 991231-8234567, 850101 - 2234567", "외국인 [RRN], [RRN]"),
        # keys
        (f"키는{OPENAI}입니다", "키는[API_KEY]입니다"),
        (f"OPENAI_API_KEY={OLD_OPENAI}", "OPENAI_API_KEY=[API_KEY]"),
        (f'"{ANTHROPIC}"', '"[API_KEY]"'),
        (f"{AWS}를 지우세요", "[API_KEY]를 지우세요"),
        (f"?key={GOOGLE}&q=1", "?key=[API_KEY]&q=1"),
        (f"git clone https://{GITHUB}@example", "git clone https://[API_KEY]@example"),
        (GITHUB_FINE, "[API_KEY]"),
        (SLACK, "[API_KEY]"),
        ("api_key=hunter22&x=1", "api_key=[API_KEY]&x=1"),
        ('{"api_key": "hunter22", "k": 3}', '{"api_key": "[API_KEY]", "k": 3}'),
        ("x-api-key: hunter22", "x-api-key: [API_KEY]"),
        ("apiKey = 'hunter22'", "apiKey = '[API_KEY]'"),
        ("MY_API_KEY=hunter22", "MY_API_KEY=[API_KEY]"),
        # bearer tokens
        ("Authorization: Bearer abcdefghijkl", "Authorization: Bearer [BEARER_TOKEN]"),
        ("authorization: bearer a1b2c3d4e5==", "authorization: bearer [BEARER_TOKEN]"),
        ('{"Authorization": "Bearer a1b2c3d4"}', '{"Authorization": "Bearer [BEARER_TOKEN]"}'),
        (f"토큰 {JWT}는", "토큰 [BEARER_TOKEN]는"),
        (f"Bearer {JWT}", "Bearer [BEARER_TOKEN]"),
        # passwords in URLs
        ("bolt://neo4j:hunter2@db:7687에 연결", "bolt://neo4j:[PASSWORD]@db:7687에 연결"),
        ("https://kim:p%40ss@example.com/a?b=c@d", "https://kim:[PASSWORD]@example.com/a?b=c@d"),
        ("redis://:hunter2@localhost", "redis://:[PASSWORD]@localhost"),
        *((f"키는{key}입니다", "키는[API_KEY]입니다") for key in (AWS_FOR_NOW, GITLAB, GROQ, HUGGING_FACE)),
        *((f"키는{key}입니다", "키는[API_KEY]입니다") for key in (LANGSMITH, PERPLEXITY, PINECONE)),
        *((f"{{'key': '{key}'}}", "{'key': '[API_KEY]'}") for key in (TAVILY, XAI)),
        # JSON that stands in a text of JSON, as a tool's arguments do
        (r'{"arguments": "{\"api_key\": \"hunter22\"}"}', r'{"arguments": "{\"api_key\": \"[API_KEY]\"}"}'),
        (r'"{\"apiKey\":\"hunter22\"}"', r'"{\"apiKey\":\"[API_KEY]\"}"'),
        (r"\\\"api_key\\\":\\\"hunter22\\\"", r"\\\"api_key\\\":\\\"[API_KEY]\\\""),
        (
            r"{\"Authorization\": \"Bearer abcdefghijkl\"}",
            r"{\"Authorization\": \"Bearer [BEARER_TOKEN]\"}",
        ),
        ('"api_key" : "hunter22"', '"api_key" : "[API_KEY]"'),
        ("api_key='hun&ter(22)'", "api_key='[API_KEY]'"),
        ("?next=/a%3Fapi_key%3Dhunter22", "?next=/a%3Fapi_key%3D[API_KEY]"),
        # a header as it is written here and there
        ('{"Authorization": "Bearer abcdefghijkl"}', '{"Authorization": "Bearer [BEARER_TOKEN]"}'),
        ("Authorization:Bearer abcdefghijkl", "Authorization:Bearer [BEARER_TOKEN]"),
        ("HTTP_AUTHORIZATION='Bearer abcdefghijkl'", "HTTP_AUTHORIZATION='Bearer [BEARER_TOKEN]'"),
        ("Authorization: Token abcdefghijkl", "Authorization: Token [BEARER_TOKEN]"),
        ("Authorization: Basic a2ltOmh1bnRlcjI=", "Authorization: Basic [PASSWORD]"),
        ("BEARER a1b2c3d4e5, Bearer  a1b2c3d4e5", "BEARER [BEARER_TOKEN], Bearer  [BEARER_TOKEN]"),
        ("?auth=Bearer%20a1b2c3d4e5", "?auth=Bearer%20[BEARER_TOKEN]"),
        # addresses as URLs and Koreans write them
        ("https://a.kr/?email=kim%40example.com&x=1", "https://a.kr/?email=[EMAIL]&x=1"),
        ("홍길동@example.com은, kim＠example.com", "[EMAIL]은, [EMAIL]"),
        # what was copied out of a word processor or a page has other hyphens and spaces
        ("010–1234–5678, 010‑1234‑5678, 02−123−4567", "[PHONE], [PHONE], [PHONE]"),
        ("010\u00a01234\u00a05678, +82‑10‑1234‑5678", "[PHONE], [PHONE]"),
        ("850101–1234567, 850101 － 2234567", "[RRN], [RRN]"),
        # a password with an @ in it
        ("postgres://kim:p@ss@db/exam", "postgres://kim:[PASSWORD]@db/exam"),
        ("bolt://neo4j:[hunter2]@db", "bolt://neo4j:[PASSWORD]@db"),
        # the escapes of JSON within a text end in letters and digits
        (r'{"a": "\n010-1234-5678\t850101-1234567"}', r'{"a": "\n[PHONE]\t[RRN]"}'),
        (rf"\ub294{GITHUB} \ub294010-1234-5678", r"\ub294[API_KEY] \ub294[PHONE]"),
        # what only its name gives away
        ("password=hunter", "password=[PASSWORD]"),
        ("DB_PASSWORD=1234", "DB_PASSWORD=[PASSWORD]"),
        ("passwd=hunter2; uid=kim", "passwd=[PASSWORD]; uid=kim"),
        (
            "https://a.kr/login?user=kim&password=hunter2&next=/",
            "https://a.kr/login?user=kim&password=[PASSWORD]&next=/",
        ),
        ("?next=/a%3Fpassword%3Dhunter2", "?next=/a%3Fpassword%3D[PASSWORD]"),
        ("password: hunter2, 다음", "password: [PASSWORD], 다음"),
        ("Password = pa55word!", "Password = [PASSWORD]"),
        ('password = "correct horse battery"', 'password = "[PASSWORD]"'),
        ('{"password": "hunter two", "k": 3}', '{"password": "[PASSWORD]", "k": 3}'),
        (r'"{\"passwd\":\"hunter2\"}"', r'"{\"passwd\":\"[PASSWORD]\"}"'),
        ("{'password': 'hunter2'}", "{'password': '[PASSWORD]'}"),
        ("secret=hunter22&x=1", "secret=[SECRET]&x=1"),
        ("client_secret=a1b2c3d4&grant_type=x", "client_secret=[SECRET]&grant_type=x"),
        ('{"clientSecret": "a1b2c3d4"}', '{"clientSecret": "[SECRET]"}'),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "AWS_SECRET_ACCESS_KEY=[SECRET]"),
        ("#access_token=abcdef&state=1", "#access_token=[BEARER_TOKEN]&state=1"),
        (
            '{"access_token":"abcdef","refresh_token":"ghijkl"}',
            '{"access_token":"[BEARER_TOKEN]","refresh_token":"[BEARER_TOKEN]"}',
        ),
        ("refreshToken: a1b2c3d4", "refreshToken: [BEARER_TOKEN]"),
        # a name and a value apart
        ('[{"name": "api_key", "value": "hunter22"}]', '[{"name": "api_key", "value": "[API_KEY]"}]'),
        ('{"key":"X-Api-Key","value":"a b"}', '{"key":"X-Api-Key","value":"[API_KEY]"}'),
        (
            '{\n  "name": "db_password",\n  "value": "정규화 2"\n}',
            '{\n  "name": "db_password",\n  "value": "[PASSWORD]"\n}',
        ),
        ('{"value": "abc", "name": "client_secret"}', '{"value": "[SECRET]", "name": "client_secret"}'),
        (
            r"{\"name\": \"access_token\", \"value\": \"abc\"}",
            r"{\"name\": \"access_token\", \"value\": \"[BEARER_TOKEN]\"}",
        ),
        # full-width, as an input method for Korean or Japanese writes; what stays is as it was
        ("제 번호（１번）는 ０１０-１２３４-５６７８이에요！", "제 번호（１번）는 [PHONE]이에요！"),
        ("０１０－１２３４－５６７８，０１０１２３４５６７８", "[PHONE]，[PHONE]"),
        ("（０２）１２３－４５６７　＋８２　１０　１２３４　５６７８", "（[PHONE]　[PHONE]"),
        ("주민번호는 ８５０１０１－１２３４５６７이고", "주민번호는 [RRN]이고"),
        ("AKIAIOSFODNN１EXAMPLE를", "[API_KEY]를"),
        ("ａｐｉ＿ｋｅｙ＝ｈｕｎｔｅｒ２２", "ａｐｉ＿ｋｅｙ＝[API_KEY]"),
        ("postgres://neo１j:hunter２@db:7687 ４", "postgres://neo１j:[PASSWORD]@db:7687 ４"),
    ],
)
def test_a_secret_becomes_the_placeholder_of_its_kind(text: str, redacted: str) -> None:
    assert redact_text(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "정규화의 목적은 데이터 중복을 제거하는 것입니다 😀",
        # dates, times, amounts, versions, addresses
        "2024-01-02 03:04:05.012345+09:00",
        "1701011234567 1700000000000 8501011234567",
        "₩10,000 1,234,567-1234567 975.00",
        "192.168.010.123:8080",
        "react@18.2.0 @app.route('/') a @ b SELECT @x := 1",
        "1588-1234 제2정규형 2NF 3-4쪽",
        "http://localhost:5000/#/experiments https://github.com/a@b:c https://a.b/c:d@e",
        # hashes, ids, embeddings
        "d41d8cd98f00b204e9800998ecf8427e",
        "01012345678abcdef0101234567801012345678f",
        "550e840a-0505-4123-8123-446655440000",
        "[0.0101234567, -0.02123456789, 1.01012345678e-05, 1e+1012345678]",
        # numbers that are shaped otherwise
        "110-123-456789 123456-01-123456 1234-5678-9012-3456",
        "850101-9234567 851301-1234567 850132-1234567 a850101-1234567",
        "3+1234567890=1234567893, c++ 11 22 33 44, +10 20 30 40 50",
        # words
        "task-force-multiplication-tables sk-learn-compatible-estimators",
        "Bearer certificates: a bearer internationalization",
        "Primary key: student_id, FOREIGN KEY = course_id, api_key=, API key: required",
        "AKIA AIza ghp_ xoxb- eyJ. sk- ASIA hf_ gsk_ lsv2_ pcsk_ pplx- tvly- xai- glpat-",
        "hf_hub_download_into_the_local_directory, ASIA_PACIFIC, 2020–2024, 1–2",
        "Authorization: Basic auth, authorization: a token, required; Basic authentication",
        "100%40 %40 a%40b 50%",
        # lessons about passwords and secrets
        "The password is asked for. Password: required; your password: at least eight characters, 8 or more",
        "비밀번호(password)는 8자 이상입니다. password: 8자 이상, secret: 없음",
        "CREATE TABLE users (id INT, password VARCHAR(20) NOT NULL, passwd CHAR(8), secret TEXT)",
        "SELECT * FROM users WHERE id = ? AND password = ? OR password = :password OR password=%s",
        "UPDATE users SET password = NULL WHERE password = @password AND secret = $1",
        "SET password = SHA2(new_password, 256), password=crypt(input), password = hash",
        "password=None, password: str, password: string, secret=True, client_secret: Optional[str]",
        "password=settings.password, password=os.environ['DB_PASSWORD'], password=$PASSWORD, ${DB_PASSWORD}",
        "The secret: divide and conquer; its secret: 3rd-party keys, 1-to-1 relations. A secret = a promise",
        "password=, secret= access_token= &password=&x=1",
        '{"type": "object", "required": ["password"], "properties": {"password": {"type": "string"}}}',
        '{"password": "string", "secret": null, "access_token": ""}',
        '{"name": "password policy", "value": "strict"}, {"name": "normal_form", "value": "password"}',
        '{"name": "concept", "value": "정규화"}, {"value": "2NF", "name": "form"}',
        "max_tokens=1024, token: word, tokens: 12345678, num_tokens=a1b2c3d4",
        "１２３４ ２０２４－０１－０２ １５８８－１２３４ （３．１）제２정규형",
        "",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact_text(text) == text


def test_texts_that_are_joined_are_clean_where_each_of_them_is() -> None:
    chance = random.Random(2)
    ends = [
        "010-",
        "-1234567",
        "kim@",
        "a.co",
        "850101-",
        "api_key",
        "=",
        "Bearer ",
        "Abc12345",
        "sk-",
        "+82",
        "//a:",
        "password",
        "hunter2",
        "０１０－",
    ]
    texts = [
        *ends,
        "010-1234-5678",
        "850101-1234567",
        "kim@b.co",
        "://a:b@c",
        GITHUB,
        JWT,
        "01012345678",
        "정규화",
    ]
    for _ in range(20_000):
        some = chance.choices(texts, k=3)
        if is_clean("\n".join(some)):
            assert all(redact_text(text) == text for text in some), some


def test_ids_and_hashes_are_never_taken_for_numbers_or_keys() -> None:
    chance = random.Random(0)
    for _ in range(2000):
        identifier = UUID(int=chance.getrandbits(128))
        text = f"{identifier} {identifier.hex} {chance.random()} {chance.getrandbits(256):064x}"
        assert redact_text(text) == text


PARTS = [
    *(
        "password",
        "passwd",
        "client_secret",
        "access_token",
        "api_key",
        "name",
        "value",
        "Bearer",
        "sk-",
        "0",
    ),
    *(
        "=",
        ":",
        "%3D",
        " ",
        '"',
        "'",
        "\\",
        ",",
        "&",
        "\n",
        "?",
        "@",
        "(",
        ")",
        "[",
        "]",
        ".",
        "-",
        "{",
        "}",
        "$",
    ),
    *(
        "hunter2",
        "none",
        "정규화",
        "０",
        "１０",
        "－",
        "１２３４",
        "５６７８",
        "kim@example.com",
        "010-1234-5678",
    ),
    *('", "value": "', '{"name": "', "A1b2C3d4", "[PASSWORD]", "[API_KEY]", "eyJ", "://a:", "。", "　", "8"),
]


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join))
def test_whatever_the_text_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="０１２３４５６７８９（）－＋：．　정규화。", max_size=40))
def test_what_stays_of_a_full_width_text_is_as_it_was_written(text: str) -> None:
    kept = redact_text(text)
    for piece in re.split(r"\[(?:PHONE|RRN)\]", kept):
        assert piece in text


def test_redacting_twice_changes_nothing_more() -> None:
    text = f"kim@example.com 010-1234-5678 850101-1234567 api_key={OPENAI} Bearer {JWT} {AWS}"
    once = redact_text(text)
    assert redact_text(once) == once
    assert once == "[EMAIL] [PHONE] [RRN] api_key=[API_KEY] Bearer [BEARER_TOKEN] [API_KEY]"
