import sys

sys.path.append("..")
from attention_seq2seq import AttentionSeq2seq
from ch07.peeky_seq2seq import PeekySeq2seq
from common.optimizer import SGD
from common.trainer import Trainer
from dataset import sequence

x, t = sequence.load_data(96)
model = AttentionSeq2seq(13, 6, 16)
Trainer(model, SGD(0.5)).fit(x, t, max_epoch=2, batch_size=32, max_grad=5.0)
print(model.generate(x[:1], 12, 3), PeekySeq2seq.__mro__[1].__module__)
