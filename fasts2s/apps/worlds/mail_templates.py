"""Mails with slots, what fills these, and replies, in English and Korean."""

from typing import NamedTuple

#: What fills a slot, in English and in Korean.
VALUES: dict[str, tuple[list[str], list[str]]] = {
    name: (english.split("|"), korean.split("|"))
    for name, english, korean in (
        (
            "place",
            "library|canteen|museum|main hall|north office|south office|garden|bakery|town hall|station|theatre|"
            "workshop|harbour|reading room|roof terrace|old mill",
            "도서관|식당|박물관|대강당|북쪽 사무실|남쪽 사무실|정원|빵집|시청|역|극장|"
            "작업실|항구|열람실|옥상|물레방앗간",
        ),
        (
            "topic",
            "budget|timetable|new website|summer course|contract|survey|exhibition|heating|repair|report",
            "예산|시간표|새 홈페이지|여름 강좌|계약|설문|전시회|난방|수리|보고서",
        ),
        (
            "event",
            "concert|dinner|lecture|dance|reading|opening|picnic|film evening",
            "음악회|저녁 식사|강연|무도회|낭독회|개막식|소풍|영화 모임",
        ),
        (
            "item",
            "umbrella|lamp|kettle|backpack|clock|chair|radio|blanket|teapot|bicycle|mirror|violin",
            "우산|램프|주전자|배낭|시계|의자|라디오|담요|찻주전자|자전거|거울|바이올린",
        ),
        (
            "role",
            "teacher|cook|doctor|farmer|painter|librarian|gardener|driver|baker|singer",
            "선생님|요리사|의사|농부|화가|사서|정원사|운전사|제빵사|가수",
        ),
    )
}


class Template(NamedTuple):
    """A kind of mail in a language and a tone: ways to write it, and the reply."""

    requests: tuple[str, ...]
    reply: str


#: (kind, language, polite) -> template; ``{date}``, ``{end}``, ``{time}``, ``{number}``, names of VALUES are slots.
TEMPLATES: dict[tuple[str, str, bool], Template] = {
    ("meeting", "en", True): Template(
        (
            "dear madam or sir, could we meet on {date} at {time} in the {place} about the {topic}? "
            "yours, the {role}",
            "dear colleague, would {time} on {date} suit you? i would like to discuss the {topic} in the {place}. "
            "yours, the {role}",
        ),
        "dear {role}, thank you for writing. i will gladly meet you on {date} at {time} in the {place}. "
        "i will prepare the {topic}.",
    ),
    ("meeting", "en", False): Template(
        (
            "hi, can we meet in the {place}, {date}, {time}? it is about the {topic}. the {role}",
            "hey! need to talk about the {topic}. {place}, {time}, {date}? the {role}",
        ),
        "hi {role}! sure: {place}, {date}, {time}. the {topic} it is.",
    ),
    ("invitation", "en", True): Template(
        (
            "dear friends, it is our pleasure to invite you to a {event} in the {place} on {date} at {time}. "
            "the {role}",
            "dear neighbour, please join us for the {event} on {date}. it begins at {time} in the {place}. "
            "the {role}",
        ),
        "dear {role}, thank you for the invitation to the {event}. i will be in the {place} on {date} at {time}.",
    ),
    ("invitation", "en", False): Template(
        (
            "hi all, {event} in the {place}! {date}, {time}. are you in? the {role}",
            "come to our {event}: {date}, {time}, {place}. the {role}",
        ),
        "hi {role}, i am in! {event}, {place}, {date}, {time}.",
    ),
    ("leave", "en", True): Template(
        (
            "dear madam or sir, may i take leave from {date} to {end}? yours, the {role}",
            "dear office, i would like to be on leave until {end}, beginning on {date}. yours, the {role}",
        ),
        "dear {role}, your leave is granted. it begins on {date} and ends on {end}.",
    ),
    ("leave", "en", False): Template(
        (
            "hi, i need some days off, {date} to {end}. ok? the {role}",
            "hey, can i stay away until {end}? from {date}. the {role}",
        ),
        "hi {role}, ok: {date} to {end}. enjoy!",
    ),
    ("refund", "en", True): Template(
        (
            "dear shop, the {item} of my order {number} of {date} is broken. may i have my money back? the {role}",
            "dear madam or sir, i would like to return the {item}. i ordered it on {date}, number {number}. "
            "the {role}",
        ),
        "dear {role}, we are sorry about the {item}. the money for order {number} of {date} is on its way.",
    ),
    ("refund", "en", False): Template(
        (
            "hi, my {item} is broken, order {number}, {date}. money back please! the {role}",
            "your {item} does not work. order {number} of {date}. the {role}",
        ),
        "hi {role}, sorry! we pay order {number} of {date} back. keep the {item}.",
    ),
    ("order", "en", True): Template(
        (
            "dear shop, i ordered a {item} on {date}, number {number}. could you tell me where it is? the {role}",
            "dear madam or sir, has my order {number} been sent? it is a {item}, ordered on {date}. the {role}",
        ),
        "dear {role}, your order {number} of {date} has been sent. the {item} will be with you soon.",
    ),
    ("order", "en", False): Template(
        (
            "hi, where is my {item}? order {number}, {date}. the {role}",
            "order {number} of {date}, a {item}: still nothing here. the {role}",
        ),
        "hi {role}, the {item} is on its way: order {number}, {date}.",
    ),
    ("meeting", "ko", True): Template(
        (
            "안녕하십니까. {date} {time} {place}에서 {topic} 건으로 뵐 수 있겠습니까? {role} 드림",
            "담당자님께. {topic} 건으로 상의드리고 싶습니다. {date} {time} {place}에서 괜찮으십니까? {role} 드림",
        ),
        "{role} 귀하. 연락 주셔서 감사합니다. {date} {time} {place}에서 뵙겠습니다. {topic} 자료를 준비하겠습니다.",
    ),
    ("meeting", "ko", False): Template(
        (
            "안녕하세요, {place}에서 볼까요? {date} {time} 어때요? {topic} 이야기예요. {role}",
            "{topic} 이야기 좀 해요. {date} {time} {place}에서요. {role}",
        ),
        "{role} 안녕하세요! 좋아요, {date} {time} {place}에서 봐요. {topic} 이야기해요.",
    ),
    ("invitation", "ko", True): Template(
        (
            "안녕하십니까. {date} {time} {place}에서 열리는 {event} 자리에 모시고자 합니다. {role} 드림",
            "이웃 여러분께. {event} 초대장입니다. {place}에서 {date} {time} 시작합니다. {role} 드림",
        ),
        "{role} 귀하. {event} 초대에 감사드립니다. {date} {time} {place}에서 뵙겠습니다.",
    ),
    ("invitation", "ko", False): Template(
        (
            "{event} 해요! {date} {time} {place}에서요. 올래요? {role}",
            "우리 {event} 와요. {place}에서, {date} {time} 시작해요. {role}",
        ),
        "{role} 고마워요, 갈게요! {event}, {date} {time} {place}에서.",
    ),
    ("leave", "ko", True): Template(
        (
            "안녕하십니까. {date} 부터 {end} 까지 휴가를 신청합니다. {role} 드림",
            "담당자님께. {end} 까지 휴가를 쓰고 싶습니다. 시작은 {date} 입니다. {role} 드림",
        ),
        "{role} 귀하. 휴가가 승인되었습니다. {date} 부터 {end} 까지입니다.",
    ),
    ("leave", "ko", False): Template(
        (
            "저 좀 쉴게요. {date} 부터 {end} 까지요. 괜찮죠? {role}",
            "{end} 까지 쉬어도 돼요? {date} 부터요. {role}",
        ),
        "{role} 좋아요: {date} 부터 {end} 까지. 잘 쉬어요!",
    ),
    ("refund", "ko", True): Template(
        (
            "안녕하십니까. {date} 주문한 {item} 고장입니다. 주문 번호 {number} 입니다. 환불 부탁드립니다. "
            "{role} 드림",
            "담당자님께. 주문 번호 {number} , {item} 반품하고 싶습니다. 주문일은 {date} 입니다. {role} 드림",
        ),
        "{role} 귀하. {item} 때문에 불편을 드려 죄송합니다. {date} 주문 번호 {number} 환불해 드리겠습니다.",
    ),
    ("refund", "ko", False): Template(
        (
            "{item} 고장 났어요. 주문 {number} , {date} 산 거예요. 환불해 주세요! {role}",
            "주문 {number} , {date} 온 {item} 안 돼요. {role}",
        ),
        "{role} 미안해요! {date} 주문 {number} 환불할게요. {item} 가지세요.",
    ),
    ("order", "ko", True): Template(
        (
            "안녕하십니까. {date} 주문 번호 {number} 로 {item} 주문했습니다. 어디쯤 왔는지 알 수 있겠습니까? "
            "{role} 드림",
            "담당자님께. 주문 번호 {number} 발송되었습니까? {item} 하나, 주문일은 {date} 입니다. {role} 드림",
        ),
        "{role} 귀하. {date} 주문 번호 {number} 발송되었습니다. {item} 곧 도착합니다.",
    ),
    ("order", "ko", False): Template(
        (
            "내 {item} 어디 있어요? 주문 {number} , {date} 요. {role}",
            "주문 {number} , {date} {item} 아직 안 왔어요. {role}",
        ),
        "{role} 가고 있어요: {item} , 주문 {number} , {date} 거요.",
    ),
}
