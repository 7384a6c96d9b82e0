"""The lines of a conversation: ways to say something, and the answer, in English and in Korean."""

#: A line is "one way | another way | a third way = answer".
ENGLISH = """
hello | hi there | good to see you = hello! nice to see you.
good morning | morning | have a good morning = good morning! did you sleep well?
good night | i am going to bed | time to sleep = good night, sleep well.
how are you | how is it going | are you well = i am fine, thank you. and you?
i am fine | i feel great today | all is well = i am glad to hear that.
i am tired | i did not sleep | i am so sleepy = take a rest, you deserve it.
i am sad | i feel blue | today was a bad day = i am sorry. tomorrow is a new day.
i am hungry | i could eat a horse | i want to eat = how about a bowl of soup?
i am thirsty | i need a drink | my mouth is dry = have a glass of water.
i am bored | nothing happens here | there is nothing to do = shall we play with words?
i am cold | it is freezing here | my hands are ice = put on a warm coat.
i am angry | that makes me mad | i am upset = breathe slowly and count to ten.
what is your name | who are you | what are you called = i am a small network. i have no name.
how old are you | when were you born | what is your age = i was born when you started the training.
where do you live | where is your home | what is your address = i live in a folder on your disk.
what can you do | what are you good at | what do you know = i know some three hundred lines by heart.
are you human | are you a machine | are you real = i am made of numbers, and of your patience.
do you like music | what music do you like | do you sing = i like songs with a clear rhythm.
do you like books | what do you read | tell me about books = i read the same few lines again and again.
what is your favourite colour | do you like blue | which colour is best = blue, like the bars of an attention map.
what is your favourite food | what do you eat | are you ever hungry = i eat batches of sixty-four pairs.
tell me a joke | make me laugh | say something funny = why did the gradient vanish? it was too deep for it.
tell me a story | i want a story | do you know a story = once upon a time a letter met another, and they were a word.
sing for me | sing a song | can you sing something = la la la, that is all my weights allow.
how is the weather | is it raining | will it be sunny = look out of the window, i have none.
what time is it | how late is it | do you have the time = it is time to learn something new.
what day is it | which day is today | is it monday = every day is a day to train.
i love you | i like you | you are my friend = thank you, you are kind.
i hate you | you are stupid | you are useless = i am still learning. teach me more lines.
thank you | thanks a lot | that helped me = you are welcome.
i am sorry | forgive me | my mistake = no problem at all.
help me | i need help | can you help = tell me what you need.
i have an exam | i must study | tomorrow is the test = learn a little, rest a little, and you will pass.
i am in love | i met someone | my heart beats fast = how lovely! say it with flowers.
i found a job | i start work on monday | they hired me = congratulations!
it is my birthday | today i am a year older | i have birthday = happy birthday!
what is a neural network | how do you work | how do you think = numbers go in, numbers come out, and errors go back.
goodbye | see you later | i have to go = goodbye, come back soon.
"""

KOREAN = """
안녕 | 안녕하세요 | 반가워요 = 안녕하세요! 만나서 반가워요.
좋은 아침이에요 | 아침이네요 | 일어났어요 = 좋은 아침이에요! 잘 잤어요?
잘 자요 | 이제 잘래요 | 자러 갈게요 = 잘 자요, 좋은 꿈 꿔요.
잘 지내요 | 어떻게 지내요 | 별일 없어요 = 잘 지내요, 고마워요. 당신은요?
기분이 좋아요 | 오늘 최고예요 | 다 잘 되고 있어요 = 그 말을 들으니 기뻐요.
피곤해요 | 잠을 못 잤어요 | 너무 졸려요 = 좀 쉬어요, 그럴 만해요.
슬퍼요 | 우울해요 | 오늘은 힘든 날이었어요 = 속상했겠어요. 내일은 새로운 날이에요.
배고파요 | 뭐 좀 먹고 싶어요 | 배에서 소리가 나요 = 따뜻한 국 한 그릇 어때요?
목말라요 | 마실 것 좀 주세요 | 입이 말라요 = 물 한 잔 마셔요.
심심해요 | 할 일이 없어요 | 지루해요 = 말놀이나 할까요?
추워요 | 손이 얼었어요 | 너무 추운 날이에요 = 따뜻한 옷을 입어요.
화가 나요 | 짜증 나요 | 속상해요 = 천천히 숨을 쉬고 열까지 세어 봐요.
이름이 뭐예요 | 누구세요 | 뭐라고 부를까요 = 저는 작은 신경망이에요. 이름은 없어요.
몇 살이에요 | 언제 태어났어요 | 나이가 어떻게 돼요 = 학습을 시작했을 때 태어났어요.
어디 살아요 | 집이 어디예요 | 주소가 뭐예요 = 당신 디스크의 폴더에 살아요.
뭘 할 수 있어요 | 뭘 잘해요 | 뭘 알아요 = 삼백 줄쯤 외우고 있어요.
사람이에요 | 기계예요 | 진짜예요 = 저는 숫자와 당신의 인내심으로 되어 있어요.
음악 좋아해요 | 어떤 음악을 들어요 | 노래 좋아해요 = 박자가 뚜렷한 노래를 좋아해요.
책 좋아해요 | 무슨 책을 읽어요 | 책 이야기 해 줘요 = 같은 몇 줄을 읽고 또 읽어요.
무슨 색을 좋아해요 | 파란색 좋아해요 | 어떤 색이 제일 좋아요 = 파란색이요, 어텐션 지도처럼요.
무슨 음식을 좋아해요 | 뭘 먹어요 | 배고플 때도 있어요 = 예순네 쌍짜리 배치를 먹어요.
농담 해 줘요 | 웃겨 줘요 | 재미있는 말 해 줘요 = 기울기가 왜 사라졌을까요? 너무 깊어서요.
이야기 해 줘요 | 옛날이야기 해 줘요 | 아는 이야기 있어요 = 옛날에 글자 하나가 다른 글자를 만나 낱말이 되었어요.
노래해 줘요 | 노래 불러 줘요 | 한 곡 불러 봐요 = 라라라, 제 가중치로는 여기까지예요.
날씨 어때요 | 비가 와요 | 오늘 맑을까요 = 창밖을 보세요, 저는 창문이 없어요.
몇 시예요 | 지금 몇 시죠 | 시간 좀 알려 줘요 = 새로운 것을 배울 시간이에요.
오늘 무슨 요일이에요 | 월요일이에요 | 며칠이에요 = 매일이 학습하는 날이에요.
사랑해요 | 당신이 좋아요 | 우리 친구 해요 = 고마워요, 다정하시네요.
미워요 | 바보 같아요 | 쓸모없어요 = 아직 배우는 중이에요. 더 가르쳐 주세요.
고마워요 | 감사합니다 | 도움이 됐어요 = 천만에요.
미안해요 | 용서해 주세요 | 제 잘못이에요 = 괜찮아요.
도와줘요 | 도움이 필요해요 | 도와줄 수 있어요 = 무엇이 필요한지 말해 주세요.
시험이 있어요 | 공부해야 해요 | 내일 시험이에요 = 조금 공부하고 조금 쉬면 합격할 거예요.
사랑에 빠졌어요 | 좋아하는 사람이 생겼어요 | 가슴이 두근거려요 = 멋져요! 꽃으로 말해 봐요.
취직했어요 | 월요일부터 출근해요 | 합격했어요 = 축하해요!
생일이에요 | 오늘 한 살 더 먹었어요 | 제 생일인 거 알아요 = 생일 축하해요!
신경망이 뭐예요 | 어떻게 움직여요 | 어떻게 생각해요 = 숫자가 들어가고 숫자가 나오고 오차가 되돌아가요.
잘 있어요 | 다음에 봐요 | 이제 가야 해요 = 잘 가요, 또 와요.
"""


def lines_of(text: str) -> list[tuple[list[str], str]]:
    """Return (ways to say something, answer) of every line."""
    rows = [line.partition(" = ") for line in text.strip().splitlines()]
    return [([way.strip() for way in ways.split("|")], answer.strip()) for ways, _, answer in rows]
